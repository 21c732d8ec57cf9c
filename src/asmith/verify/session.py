"""One run of module tests: its files, its shared record, and the modules made for its tests."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import UsageError
from asmith.host import files
from asmith.verify.contract_json import load
from asmith.verify.library import Lines
from asmith.verify.proxy import Module
from asmith.verify.record import SharedRecord

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from asmith.verify.contract_json import Contract


@dataclass(frozen=False)
class VerifySession:
    """What the plugin's options name; files are read when first needed."""

    library: Path
    contract_file: Path
    root: Path
    isolated: bool = False  # this process was made for one test

    @cached_property
    def record(self) -> SharedRecord:
        """Return the page that a test's process and this one share."""
        return SharedRecord()

    @cached_property
    def contract(self) -> Contract:
        """Return the contract; raises `UsageError` if its file is damaged."""
        try:
            return load(files.read_text(self.contract_file))
        except UsageError as error:
            error.args = (f"{self.contract_file}: {error.what}",)
            raise

    @cached_property
    def lines(self) -> Lines:
        """Return the library's line table."""
        return Lines(self.library, self.root)

    def module(self) -> Module:
        """Return a module for one test, whose process this must be."""
        return Module(self.library, self.contract, root=self.root, record=self.record)

    def pending_output(self, config: pytest.Config) -> list[tuple[str, str]]:
        """Return what a dead child printed and nobody has collected, as report sections."""
        capture = config.pluginmanager.getplugin("capturemanager")
        if capture is None or not capture.is_globally_capturing():
            return []
        texts = capture.read_global_capture()
        names = ("Captured stdout call", "Captured stderr call")
        return [(name, text) for name, text in zip(names, texts, strict=True) if text]
