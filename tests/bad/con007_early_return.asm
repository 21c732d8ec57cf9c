; One path returns before the release.
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
        test    rbx, rbx
        jz      .null
        cmp     qword [rbx + t_counter.count], 0
        jne     .early
        mov     rdi, rbx
        call    free wrt ..plt
.null:
        xor     eax, eax
        pop     rbx
        ret
.early:
        mov     eax, 1
        pop     rbx
        ret                             ; error: [CON007]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
