; The new memory is stored into, whatever calloc said.
        default rel
        extern  calloc, free
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     edi, 1
        mov     esi, t_counter_size
        call    calloc wrt ..plt
        mov     rbx, rax
        mov     qword [rbx + t_counter.count], 1 ; error: [CON006]
        mov     rdi, rbx
        call    free wrt ..plt
        mov     eax, 1
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
