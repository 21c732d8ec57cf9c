; What the callee gets is the second field, not the counter.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        lea     rbx, [rdi + t_counter.limit]
        call    counter_next
        mov     rdi, rbx
        call    counter_next            ; error: [CON002]
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
