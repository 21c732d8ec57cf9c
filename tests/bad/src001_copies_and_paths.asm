; The pointer is followed through copies, around a loop and past a branch.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx
        mov     rbx, rdi
        test    rdi, rdi
        jz      .done
        call    puts wrt ..plt          ; rsp = 0 mod 16
        movsxd  rdi, eax                ; rdi is forgotten
        mov     rax, [rdi]
.next:
        mov     rax, [rbx+0x8]          ; error: [SRC001]
        dec     rax
        jnz     .next
        cmp     qword [8 + rbx], 10h    ; error: [SRC001]
.done:
        mov     rbx, [rbx + t_counter.limit]
        mov     rax, [rbx + 8]          ; no longer the argument
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
