; What stands between the jump and the label is left over.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        jmp     .done
        inc     rax                     ; error: [FLW004]
        add     rax, rax
.done:
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
