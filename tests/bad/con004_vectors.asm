; AVX2 is part of x86-64-v3, AES of no level.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        movq    xmm0, rdi
        vpaddd  xmm0, xmm0, xmm0        ; error: [CON004]
        aesenc  xmm0, xmm0              ; error: [CON004]
        movq    rax, xmm0
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
