; implements: counter_data
; The C type has two words, the object has three.
        default rel
        section .rodata align=8
        global  counter_steps:data (counter_steps.end - counter_steps)      ; error: [ELF003]
counter_steps:
        dq      1, 2, 3
.end:
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rel counter_steps]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
