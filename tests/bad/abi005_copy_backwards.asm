; The copy runs backwards, and one path forgets to turn round.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rcx, [rdi + t_counter.count]
        lea     rdi, [rsp - 8]
        lea     rsi, [rsp - 16]
        std
        rep movsb
        mov     rax, [rsp - 8]
        test    rax, rax
        jz      .done
        cld
.done:
        ret                             ; error: [ABI005]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
