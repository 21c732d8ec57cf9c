; The second release is one too many.
        default rel
        extern  calloc, free
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     edi, 1
        mov     esi, t_counter_size
        call    calloc wrt ..plt
        mov     rbx, rax
        mov     rdi, rbx
        call    free wrt ..plt
        mov     rdi, rbx
        call    free wrt ..plt          ; error: [CON008]
        mov     eax, 1
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
