; A number is passed where a pointer is required; the tail call passes null.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     rbx, rdi
        mov     edi, 8
        call    counter_next            ; error: [CON001]
        mov     rdi, rbx
        call    counter_next
        xor     edi, edi
        call    counter_next            ; error: [CON001]
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
