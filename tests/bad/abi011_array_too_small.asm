; counter_next -- an array of as many words as the counter says, rounded to too few.
        default rel
        bits    64

        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbp
        mov     rbp, rsp                ; rsp = 0 mod 16
        mov     rcx, [rdi + t_counter.count]
        lea     rax, [rcx * 8 + 7]
        and     rax, -16
        sub     rsp, rax
        xor     edx, edx
.next:
        mov     [rsp + rdx * 8], rdx
        inc     rdx
        cmp     rdx, rcx
        jb      .next
        mov     rax, [rsp + rcx * 8 - 8]        ; error: [ABI011]
        leave
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
