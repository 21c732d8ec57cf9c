"""What a test library does not export: functions of its other modules, and its imports."""

from __future__ import annotations

import ctypes
import mmap
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection


class Inside:
    """A loaded test library, by its path."""

    def __init__(self, path):
        self.path = Path(path).resolve()
        with self.path.open("rb") as file:
            elf = ELFFile(file)
            symbols = list(elf.get_section_by_name(".symtab").iter_symbols())
            self._functions = {s.name: s["st_value"] for s in symbols if s["st_value"]}
            self._imports = {
                elf.get_section(section["sh_link"]).get_symbol(r["r_info_sym"]).name: r["r_offset"]
                for section in elf.iter_sections()
                if isinstance(section, RelocationSection)
                for r in section.iter_relocations()
                if r["r_info_sym"]
            }
        with Path("/proc/self/maps").open() as maps:
            lines = [line.split() for line in maps]
        starts = [int(w[0].split("-")[0], 16) for w in lines if w[-1] == str(self.path)]
        self._base = min(starts)
        self._kept = []
        self.errors = []  # what was raised in Python code that the module called

    def function(self, name, result, *parameters):
        """Return a function of any module in the library."""
        return ctypes.CFUNCTYPE(result, *parameters)(self._base + self._functions[name])

    def replace(self, name, result, *parameters):
        """Decorate a function that stands for an import from now on; it gets the real one first."""

        def decorate(python):
            slot = self._base + self._imports[name]
            cell = ctypes.c_uint64.from_address(slot)
            prototype = ctypes.CFUNCTYPE(result, *parameters)
            real = prototype(cell.value)

            def call(*arguments):
                try:
                    return python(real, *arguments)
                except Exception as error:  # noqa: BLE001 -- it cannot pass through assembly
                    self.errors.append(error)
                    return real(*arguments)

            made = prototype(call)
            self._kept.append(made)
            _allow_writing(slot)
            cell.value = ctypes.cast(made, ctypes.c_void_p).value
            return python

        return decorate

    def count(self, name, result, *parameters, instead=None):
        """Return a list of the calls of an import from now on, which grows.

        Where `instead` returns something, given the list, that is the result of the call.
        """
        calls = []

        @self.replace(name, result, *parameters)
        def _(real, *arguments):
            calls.append(arguments)
            given = instead(calls) if instead else None
            return real(*arguments) if given is None else given

        return calls


def _allow_writing(address):
    """Make the page of an address writable; imports are read-only after relocation."""
    page = address & -mmap.PAGESIZE
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    assert libc.mprotect(page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE) == 0
