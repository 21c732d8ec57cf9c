; A leaf function uses more than the red zone.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     [rsp - 120], rdi
        mov     qword [rsp - 136], 1    ; error: [ABI008]
        mov     rax, [rsp - 120]
        add     rax, [rsp - 136]        ; error: [ABI008]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
