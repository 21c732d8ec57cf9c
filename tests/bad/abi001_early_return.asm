; One path leaves before the frame is gone; the tail call leaves with it, too.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 24                 ; rsp = 0 mod 16
        test    rdi, rdi
        jz      .null
        cmp     rdi, 1
        je      .one
        mov     rax, [rdi + t_counter.count]
        add     rsp, 24
        ret
.one:
        jmp     puts wrt ..plt          ; error: [ABI001]
.null:
        xor     eax, eax
        ret                             ; error: [ABI001]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
