; error anywhere: [ELF008]
; Without the note the whole program gets an executable stack.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, 1
        ret
.end:
