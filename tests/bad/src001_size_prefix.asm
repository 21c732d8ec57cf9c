; A size, a negative offset and a number of another base change nothing.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     qword [rdi + 1000b], 0  ; error: [SRC001]
        lea     rax, [rdi - 8]          ; error: [SRC001]
        mov     byte [rdi + 8 + 0fh], 1 ; error: [SRC001]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
