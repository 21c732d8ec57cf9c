; Two pushes leave rsp 8 modulo 16; a local callee hands the need on.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx
        push    rbp
        mov     rbx, rdi
        call    puts wrt ..plt          ; error: [ABI004]
        call    [rbx + t_counter.count] ; error: [ABI004]
        call    step                    ; error: [ABI004]
        pop     rbp
        pop     rbx
        ret
.end:
step:
        sub     rsp, 8
        lea     rdi, [rsp]
        call    puts wrt ..plt
        add     rsp, 8
        ret
        section .note.GNU-stack noalloc noexec nowrite progbits
