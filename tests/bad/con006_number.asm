; The number of a file is passed on, and there may be none.
        default rel
        extern  fileno, isatty
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    fileno wrt ..plt
        mov     edi, eax
        call    isatty wrt ..plt        ; error: [CON006]
        mov     eax, 1
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
