; rdtsc may be used by all, hlt and in by the kernel alone.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        rdtsc
        mov     edx, 0x60
        in      al, dx                  ; error: [CON005]
        test    al, al
        jz      .stop
        mov     eax, 1
        ret
.stop:
        hlt                             ; error: [CON005]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
