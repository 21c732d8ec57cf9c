; A local callee reads r9, which nobody has set.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        call    step                    ; error: [VAL002]
        ret
.end:
step:
        mov     rax, [rdi + t_counter.count]
        add     rax, r9
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
