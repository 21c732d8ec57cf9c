; A helper that no contract names is global, and a caller could come to rely on it.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        call    step
        ret
.end:
        global  step:function (step.end - step)     ; error: [ELF002]
step:
        mov     eax, 1
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
