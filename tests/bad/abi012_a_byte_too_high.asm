; counter_next -- one word of a table in the frame is stored a byte too high.
        default rel
        bits    64

        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 24                 ; rsp = 0 mod 16
        mov     rcx, [rdi + t_counter.count]
        mov     rdx, [rdi + t_counter.limit]
        mov     [rsp], rcx
        mov     [rsp + 9], rdx
        and     ecx, 1
        mov     rax, [rsp + rcx * 8]
        add     rsp, 24
        ret                             ; error: [ABI012]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
