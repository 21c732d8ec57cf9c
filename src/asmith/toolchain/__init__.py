"""The tools that make machine code: nasm, ld and the C driver, and the ELF reader."""
