; What a call leaves behind is used as an address, a condition and a callee.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     rbx, rdi
        call    puts wrt ..plt
        jz      .zero                   ; error: [VAL001]
        cmp     rcx, 8                  ; error: [VAL001]
        jb      .zero                   ; error: [VAL001]
        mov     [rbx + t_counter.count], r9 ; error: [VAL001]
        mov     rax, [rsi + 8]          ; error: [VAL001]
        call    r11                     ; error: [VAL001]
.zero:
        xor     eax, eax
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
