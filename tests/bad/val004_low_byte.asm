; Only the low byte of r8 is set before all of it is an index.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        cmp     qword [rdi + t_counter.count], 1
        sete    r8b
        lea     rdx, [rel steps]
        mov     rax, [rdx + r8 * 8]     ; error: [VAL004]
        ret
.end:
        section .rodata align=8
steps:  dq      1, 2
        section .note.GNU-stack noalloc noexec nowrite progbits
