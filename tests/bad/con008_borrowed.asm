; What was found in the text is read after the text was released.
        default rel
        extern  calloc, free, strchr
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx
        push    r12
        sub     rsp, 8                  ; rsp = 0 mod 16
        mov     edi, 1
        mov     esi, 64
        call    calloc wrt ..plt
        test    rax, rax
        jz      .done
        mov     rbx, rax
        mov     rdi, rax
        mov     esi, 47
        call    strchr wrt ..plt
        mov     r12, rax
        mov     rdi, rbx
        call    free wrt ..plt
        movzx   eax, byte [r12]         ; error: [CON008]
.done:
        add     rsp, 8
        pop     r12
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
