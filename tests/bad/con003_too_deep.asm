; The contract allows 32 bytes, the longest path takes 40.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; error: [CON003]
        push    rbp
        mov     rbx, [rdi + t_counter.count]
        test    rbx, rbx
        jz      .zero
        sub     rsp, 24
        mov     [rsp + 8], rbx
        mov     rbx, [rsp + 8]
        add     rsp, 24
.zero:
        mov     rax, rbx
        pop     rbp
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
