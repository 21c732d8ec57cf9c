; error anywhere: [ELF001]
; The interface declares counter_next, and the module has only a helper.
        default rel
        section .text align=16
step:
        mov     eax, 1
        ret
        section .note.GNU-stack noalloc noexec nowrite progbits
