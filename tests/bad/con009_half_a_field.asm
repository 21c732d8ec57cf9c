; Half of one field is read, and the upper half of the other.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        cmp     word [rdi + t_counter.count], 0 ; error: [CON009]
        mov     ecx, [rdi + t_counter.limit + 4] ; error: [CON009]
        mov     rax, [rdi + t_counter.limit]
        add     rax, rcx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
