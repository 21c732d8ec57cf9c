; The note asks for what it should renounce.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, 1
        ret
.end:
        section .note.GNU-stack noalloc exec nowrite progbits    ; error: [ELF008]
