; The value is spilled to one slot and taken from another.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 24                 ; rsp = 0 mod 16
        mov     [rsp + 16], rdi
        mov     rdi, [rsp + 8]
        call    puts wrt ..plt          ; error: [VAL002]
        mov     rax, [rsp + 16]
        add     rsp, 24
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
