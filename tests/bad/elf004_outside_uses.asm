; `uses` of the spec allows libc.puts alone.
        default rel
        extern  system
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    system wrt ..plt        ; error: [ELF004]
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
