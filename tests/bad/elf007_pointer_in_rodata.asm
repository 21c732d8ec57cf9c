; The loader would have to write to a read-only page.
        default rel
        section .rodata align=8
        dq      0
table:  dq      counter_next            ; error: [ELF007]
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rel table]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
