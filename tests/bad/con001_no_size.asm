; Nothing is asked for: the size is zero.
        default rel
        extern  calloc, free
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        mov     edi, 1
        xor     esi, esi
        call    calloc wrt ..plt        ; error: [CON001]
        mov     rdi, rax
        call    free wrt ..plt
        mov     eax, 1
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
