; The function is there, but no other object can see it.
        default rel
        section .text align=16
counter_next:                           ; error: [ELF001]
        mov     eax, 1
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
