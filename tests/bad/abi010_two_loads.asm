; counter_next -- the larger one, twice loaded and once stored.
        default rel
        bits    64

        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        fild    qword [rdi + t_counter.count]
        fild    qword [rdi + t_counter.limit]
        fistp   qword [rdi + t_counter.limit]
        mov     rax, [rdi + t_counter.limit]
        cmp     rax, [rdi + t_counter.count]
        je      .equal
        ret                             ; error: [ABI010]
.equal:
        fstp    st0
        fstp    st0                     ; error: [ABI010]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
