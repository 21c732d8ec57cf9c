; AVX-512 is part of x86-64-v4, AES of no level; the function has x86-64-v3.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        movq    xmm0, rdi
        vpaddd  xmm0, xmm0, xmm0
        aesenc  xmm0, xmm0              ; error: [CON004]
        kmovw   k1, eax                 ; error: [CON004]
        movq    rax, xmm0
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
