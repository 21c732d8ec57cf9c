; A loop pushes, and only one pop follows: where rsp is depends on the path.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, rdi
.next:
        push    rax
        dec     rax
        jnz     .next
        pop     rax
        ret                             ; error: [ABI001]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
