; A function symbol in a section that cannot be executed.
        default rel
        section .data align=16
        global  counter_next:function (counter_next.end - counter_next)     ; error: [ELF003]
counter_next:
        db      0xc3
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
