"""The other modules that are linked into the test library, replaced while a test runs.

net calls app and db_pool by name, so their functions are in the library. A test that is about net
puts its own in their place: the first instructions become a jump to a Python function, as a
debugger would do it. What net calls in the C library is replaced in the table that it is reached
by. All of this happens in the test's own process.
"""

import ctypes
import mmap

from elftools.elf.elffile import ELFFile

_ANY = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
_NOTE_STACK = b"\x48\xb8%b\x48\x89\x20"  # mov rax, address; mov [rax], rsp
_JUMP = b"\x48\xb8%b\xff\xe0"  # mov rax, address; jmp rax


class Linked:
    """The functions of a loaded test library by name, whichever module they belong to."""

    def __init__(self, module):
        self._module = module
        self._kept = []  # what machine code points to must live as long as it
        with module.lines.path.open("rb") as file:
            elf = ELFFile(file)
            self._functions = {
                symbol.name: (symbol["st_value"], symbol["st_size"])
                for symbol in elf.get_section_by_name(".symtab").iter_symbols()
                if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_shndx"] != "SHN_UNDEF"
            }
            names = elf.get_section_by_name(".dynsym")
            self._imports = {
                names.get_symbol(r["r_info_sym"]).name: r["r_offset"]
                for section in (".rela.plt", ".rela.dyn")
                if elf.get_section_by_name(section)
                for r in elf.get_section_by_name(section).iter_relocations()
                if r["r_info_sym"]
            }
        self._base = module.net_open.__asmith_address__ - self._functions["net_open"][0]

    def replace(self, name, result, parameters, function, default=None):
        """Let calls of a linked function call `function`; return a word that notes their rsp."""
        place, size = self._functions[name]
        stack_pointer = ctypes.c_uint64()
        entry = self._entry(ctypes.CFUNCTYPE(result, *parameters), function, default)
        code = _NOTE_STACK % _word(ctypes.addressof(stack_pointer)) + _JUMP % _word(entry)
        assert size >= len(code), f"{name} is too short to be replaced"
        self._write(place, code)
        self._kept.append(stack_pointer)
        return stack_pointer

    def replace_import(self, name, result, parameters, function, default=None):
        """Let calls of a function of the C library call `function`.

        It sets errno by ctypes.set_errno.
        """
        prototype = ctypes.CFUNCTYPE(result, *parameters, use_errno=True)
        entry = self._entry(prototype, function, default)
        self._write(self._imports[name], _word(entry))

    def _entry(self, prototype, function, default):
        made = self._module.caller.callback(prototype, function, default)
        self._kept.append(made)
        return ctypes.cast(made, ctypes.c_void_p).value

    def _write(self, place, data):
        start = self._base + place
        first = start - start % mmap.PAGESIZE
        size = ctypes.c_size_t(start + len(data) - first)
        assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(first), size, _ANY) == 0
        ctypes.memmove(start, data, len(data))


def _word(value):
    return value.to_bytes(8, "little")
