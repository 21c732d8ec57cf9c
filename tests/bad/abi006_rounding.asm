; The rounding mode of both units is changed for good.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 24
        fnstcw  [rsp]
        mov     word [rsp + 2], 0xF7F
        fldcw   [rsp + 2]
        mov     dword [rsp + 8], 0x7F80
        ldmxcsr [rsp + 8]
        stmxcsr [rsp + 8]
        ldmxcsr [rsp + 8]
        fldcw   [rsp]
        mov     rax, [rdi + t_counter.count]
        add     rsp, 24
        ret                             ; error: [ABI006]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
