; counter_next -- a copy of the counter in a frame that is 8 modulo 16.
        default rel
        bits    64

        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 32
        movdqu  xmm0, [rdi + t_counter.count]
        movdqa  [rsp], xmm0             ; error: [MEM002]
        mov     rax, [rsp]
        add     rsp, 32
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
