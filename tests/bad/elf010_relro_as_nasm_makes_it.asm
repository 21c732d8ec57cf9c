; Written without flags, the section is read-only and not aligned.
        default rel
        section .data.rel.ro            ; error: [ELF010]
table:  dq      counter_next
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rel table]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
