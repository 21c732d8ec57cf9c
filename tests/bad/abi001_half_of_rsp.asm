; The frame is made by the low half of rsp.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     esp, 24                 ; error: [ABI001]
        mov     rax, [rdi + t_counter.count]
        add     esp, 24
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
