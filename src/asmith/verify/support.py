"""The assembly that every test library contains besides the code under test."""

from __future__ import annotations

from pathlib import Path

SUPPORT_SYMBOLS = (
    "asmith_verify_call",
    "asmith_verify_on_signal",
    "asmith_verify_frame",
    "asmith_verify_record",
)
"""What the support code exports; a version script for a test library must list these too."""


def support_sources() -> tuple[Path, ...]:
    """Return the NASM files to assemble and link into each test library, with debug lines or not.

    They include no other file and need no option but `-f elf64`.
    """
    return (Path(__file__).with_name("trampoline.asm"),)
