"""The tools that make machine code: nasm, objcopy, ld and the C driver, and the ELF reader."""
