; The second call passes what the first one left in rdi; the third what the entry left in r9.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     rbx, rdi
        call    puts wrt ..plt
        call    puts wrt ..plt          ; error: [VAL002]
        lea     rdi, [rbx + rdx]
        call    puts wrt ..plt          ; error: [VAL002]
        mov     rax, rbx
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
