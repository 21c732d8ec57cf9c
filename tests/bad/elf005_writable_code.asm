; Code that could be changed while it runs.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, 1
        ret
.end:
        section .patch progbits alloc exec write align=16    ; error: [ELF005]
        ret
        section .note.GNU-stack noalloc noexec nowrite progbits
