"""Measures the instruction checker: what it reports wrongly, what it misses, how fast it is.

Usage: python bench/check.py [LEG ...] [--smoke] [--seed N]      without LEG: all of them

  corpus       generated C in every configuration of gcc and clang: no report, 97 % analysed
  exceptions   generated C++ that throws, and C with cleanups: the same
  templates    C++ that makes much of its standard library: the same
  libraries    compiled members of Debian's static libraries: the same
  handwritten  assembly of real libraries: each report explained in docs/reference
  recall       mutants, judged by executing them: 98 % of those that break the ABI are reported
  speed        one core, cold: instructions and functions in a second, memory, growth
  hostile      damaged objects: an error or a result within 10 seconds, never a traceback

Exit codes: 0 the legs hold what they must, 1 one does not, 3 a leg cannot run here (it says why).
"""

from __future__ import annotations

import argparse
import sys

from checking.cache import UnableError


def _corpus(options: argparse.Namespace) -> bool:
    from checking import corpus

    return corpus.main(corpus.SMOKE if options.smoke else corpus.WHOLE)


def _exceptions(options: argparse.Namespace) -> bool:
    from checking import exceptions

    return exceptions.main(exceptions.SMOKE if options.smoke else exceptions.WHOLE)


def _templates(options: argparse.Namespace) -> bool:
    from checking import templates

    return templates.main(templates.SMOKE if options.smoke else templates.WHOLE)


def _libraries(options: argparse.Namespace) -> bool:
    from checking import libraries

    return libraries.main(libraries.COMPILED[:1] if options.smoke else libraries.COMPILED)


def _handwritten(options: argparse.Namespace) -> bool:
    from checking import handwritten

    return handwritten.main(handwritten.SMOKE if options.smoke else handwritten.LIBRARIES)


def _recall(options: argparse.Namespace) -> bool:
    from checking import recall

    return recall.main(recall.SMOKE if options.smoke else recall.WHOLE, options.seed)


def _speed(options: argparse.Namespace) -> bool:
    from checking import speed

    return speed.main(smoke=options.smoke)


def _hostile(options: argparse.Namespace) -> bool:
    from checking import hostile

    return hostile.main(hostile.SMOKE if options.smoke else hostile.WHOLE)


LEGS = {
    "corpus": _corpus,
    "exceptions": _exceptions,
    "templates": _templates,
    "libraries": _libraries,
    "handwritten": _handwritten,
    "recall": _recall,
    "speed": _speed,
    "hostile": _hostile,
}


def main() -> int:
    """Run the legs that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("legs", nargs="*", metavar="LEG")
    parser.add_argument("--smoke", action="store_true", help="a small part of each leg: seconds")
    parser.add_argument("--seed", type=int, default=1, help="recall: other functions and mutants")
    options = parser.parse_args()
    unknown = sorted(set(options.legs) - set(LEGS))
    if unknown:
        print(f"error: no leg '{unknown[0]}'\nhelp: {', '.join(LEGS)}", file=sys.stderr)
        return 2
    unable, failed = [], []
    for name in options.legs or LEGS:
        print(f"== {name}", flush=True)
        try:
            if not LEGS[name](options):
                failed.append(name)
        except UnableError as error:
            print(f"error: {error}", file=sys.stderr)
            unable.append(name)
    if failed:
        print(f"does not hold: {', '.join(failed)}")
    return 1 if failed else 3 if unable else 0


if __name__ == "__main__":
    sys.exit(main())
