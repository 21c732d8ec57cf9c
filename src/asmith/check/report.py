"""Results as JSON, as a summary and as the reference page of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asmith.check.rules import all_rules, explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asmith.check.inputs import CheckResult

SCHEMA = 1

EXAMPLE_CONTRACT = """\
#include <stdint.h>

#define COUNTER_STEP 1

typedef struct counter {
    uint64_t count;
    uint64_t limit;
} counter;

/*@ requires \\valid(c);
  @ assigns  c->count;
  @ asm stack 32;
  @ asm isa x86-64-v3;
  @*/
uint64_t counter_next(counter *c);
"""
"""`counter.h`, which the NASM examples of the rules implement; they may use libc's functions."""

EXAMPLE_LIBRARY = """\
//@ asm library "libc" header "stdio.h" header "stdlib.h" header "string.h";
#include <stddef.h>

int puts(const char *s);

//@ asm releases p;
void free(void *p);

//@ requires size > 0; asm outcome none: \\result == \\null; asm acquires \\result by free;
void *calloc(size_t n, size_t size);

//@ asm borrows \\result from s;
char *strchr(const char *s, int c);

//@ asm outcome failed: \\result == -1;
int fileno(void *file);

int isatty(int fd);

int atexit(void (*function)(void));
"""
"""`libc.h`, which they may use."""

_INTRODUCTION = f"""\
# Rules

Generated from the docstrings of the rules; `asmith explain RULE` prints one of them. The NASM
examples implement this interface, `counter.h`, and may use `libc.h` below it. They leave
out the banner, except in SRC004, which asks for it:

```c
{EXAMPLE_CONTRACT}```

```c
{EXAMPLE_LIBRARY}```

Profiles: `project` for modules whose contracts are known, `asm` for any other hand-written
object, `compiled` for what a compiler made. A rule can be waived in the interface, with a reason:
`asm waive RULE "reason"`. At most ten findings of one rule are shown in one function.
"""


def as_json(results: Sequence[CheckResult]) -> dict[str, Any]:
    """Return what `asmith check --json` prints; waived findings are not findings."""
    return {
        "schema": SCHEMA,
        "functions": sum(result.functions for result in results),
        "analysed": sum(result.analysed for result in results),
        "not_analysed": [
            {"object": item.object, "function": item.function, "reason": item.reason}
            for result in results
            for item in result.not_analysed
        ],
        "findings": [item.to_json() for result in results for item in result.findings],
    }


def summary(results: Sequence[CheckResult]) -> str:
    """Return what to say beside the findings: what was not followed, what is waived, figures.

    One line each, without a final newline.
    """
    lines = [
        f"not analysed: {item.whole}: {item.reason}"
        for result in results
        for item in result.not_analysed
    ]
    lines += [
        f"waived: {item.finding.rule} in {item.finding.function or item.finding.object}:"
        f" {item.reason}"
        for result in results
        for item in result.waived
    ]
    count = sum(len(result.findings) for result in results)
    functions = sum(result.functions for result in results)
    analysed = sum(result.analysed for result in results)
    figures = f"; {analysed} of {functions} functions analysed" if functions else ""
    lines.append(f"{count} {'finding' if count == 1 else 'findings'}{figures}")
    return "\n".join(lines)


def reference() -> str:
    """Return docs/reference/rules.md: a table of all rules, then the documentation of each."""
    lines = [
        _INTRODUCTION,
        "| rule | reads | severity by profile | reported |",
        "|---|---|---|---|",
    ]
    for rule in all_rules():
        severities = ", ".join(f"{p} {s}" for p, s in rule.profiles.items())
        lines.append(f"| {rule.id} | {rule.level} | {severities} | {rule.title} |")
    table = "\n".join(lines)
    chapters = [explain(rule.id).replace("# ", "## ", 1) for rule in all_rules()]
    return "\n".join([f"{table}\n", *chapters])
