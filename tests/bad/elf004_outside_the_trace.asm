; traces: counter.counter_next
; `uses` allows puts, but the record was made before the module called it.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    puts wrt ..plt          ; error: [ELF004]
        mov     eax, 1
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
