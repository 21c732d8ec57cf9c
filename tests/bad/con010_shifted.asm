; The arguments of strchr are exchanged; the frame is no letter either.
        default rel
        extern  strchr
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 24                 ; rsp = 0 mod 16
        mov     qword [rsp], 47
        mov     rsi, rsp
        call    strchr wrt ..plt        ; error: [CON010]
        add     rsp, 24
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
