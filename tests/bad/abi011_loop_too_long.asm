; counter_next -- two words are filled, and a saved register with them.
        default rel
        bits    64

        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx
        sub     rsp, 16
        mov     rbx, [rdi + t_counter.count]
        xor     eax, eax
.next:
        mov     [rsp + rax * 8], rbx    ; error: [ABI011]
        inc     eax
        cmp     eax, 3
        jne     .next
        mov     rax, [rsp]
        add     rsp, 16
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
