; A table of 32-bit addresses: differences from its own label would need no relocation.
        default rel
        section .rodata align=4
table:
        dd      counter_next            ; error: [ELF006]
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, [rel table]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
