; The function that is to run at the exit takes an argument, which nobody passes.
        default rel
        extern  atexit
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx
        mov     rbx, rdi
        lea     rdi, [counter_next]
        call    atexit wrt ..plt        ; error: [CON011]
        mov     rax, [rbx + t_counter.count]
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
