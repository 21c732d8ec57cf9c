"""`asmith import-header`: a draft of an external interface from a real header."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asmith.cli.output import show_json
from asmith.errors import ExitCode

if TYPE_CHECKING:
    import argparse


def import_header(options: argparse.Namespace) -> int:
    """Print the draft; tell on standard error what of it the library does not export."""
    from asmith.host import files
    from asmith.toolchain import elf, header, link
    from asmith.toolchain.header_draft import draft

    package = options.package or ""
    library = options.library or package or "libc"
    text, interface = draft(options.header, options.symbols, library=library, package=package)
    path = link.resolve(library, package).path
    symbols = elf.dynamic_symbols(files.read_bytes(path), str(path))
    missing = header.findings(interface, {}, header.exported(interface, symbols))
    if options.json:
        findings = [finding.to_json() for finding in missing]
        show_json({"header": options.header, "text": text, "findings": findings})
    else:
        print(text, end="")
        for finding in missing:
            print(finding.render(), file=sys.stderr)
    return int(ExitCode.FINDINGS if missing else ExitCode.OK)
