; The pops are in the order of the pushes; r12 is saved on one path only.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx
        push    rbp
        mov     rbx, rdi                ; error: [ABI003]
        mov     rbp, rdi                ; error: [ABI003]
        mov     rax, [rbx + t_counter.count]
        test    rax, rax
        jz      .zero
        mov     r12, rax                ; error: [ABI003]
        inc     r12
        mov     rax, r12
.zero:
        pop     rbx
        pop     rbp
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
