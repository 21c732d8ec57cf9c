; One path clears the upper halves, the other one returns with them.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        vpxor   xmm1, xmm1, xmm1
        test    rdi, rdi
        jz      .done
        vmovdqu ymm0, [rdi + t_counter.count]
        vpaddq  ymm0, ymm0, ymm1
        vmovq   rax, xmm0
        cmp     rax, 8
        jb      .done
        vzeroupper
        mov     eax, 1
        ret
.done:
        mov     eax, 2
        ret                             ; error: [ABI009]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
