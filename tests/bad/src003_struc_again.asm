; include: none
; The structure of the contract, laid out by hand.
        default rel
struc t_counter                         ; error: [SRC003]
.count: resq    1
.limit: resq    1
endstruc
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.limit]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
