; puts is called while the x87 unit is in MMX mode.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        movq    mm0, [rdi + t_counter.count]
        movq    [rdi + t_counter.count], mm0
        call    puts wrt ..plt          ; error: [ABI007]
        emms
        mov     eax, 1
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
