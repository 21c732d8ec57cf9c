; puts returns, so the code goes on behind the end.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        mov     rax, [rdi + t_counter.count]
        test    rax, rax
        jz      .zero
        add     rsp, 8
        ret
.zero:
        inc     rax
        cmp     rax, 1
        jne     .zero                   ; error: [FLW001]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
