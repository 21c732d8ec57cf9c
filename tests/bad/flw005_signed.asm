; counter_next -- a negative count passes the comparison.
        default rel
        bits    64

        section .data.rel.ro write align=8
steps:  dq      counter_next.none, counter_next.one

        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        cmp     rax, 1
        jg      .none
        lea     rdx, [rel steps]
        jmp     [rdx + rax * 8]         ; error: [FLW005]
.one:
        inc     rax
.none:
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
