; The jump skips the first byte of an instruction.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        test    rax, rax
        jz      .odd + 1                ; error: [FLW002]
        inc     rax
.odd:
        mov     eax, 0xC3C3C3C3
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
