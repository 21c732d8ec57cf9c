; The shared tail stands after `.end`, outside of every extent.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, rdi
        test    rdi, rdi
        jz      .null
        ret
.end:
        align   16
.null:
        mov     eax, 1                  ; error: [ELF003]
        ret
        section .note.GNU-stack noalloc noexec nowrite progbits
