; A counter lies in .rodata.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        inc     qword [rel uses]        ; error: [MEM001]
        mov     byte [rel uses], 1      ; error: [MEM001]
        ret
.end:
        section .rodata align=8
uses:   dq      0
        section .note.GNU-stack noalloc noexec nowrite progbits
