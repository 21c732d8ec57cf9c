; The result is set on one path only; and a sum with r9 is none.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        test    rdi, rdi
        jz      .null
        mov     rax, rdi
        cmp     rdi, 8
        ja      .done
        add     rax, r9
        ret                             ; error: [VAL003]
.null:
        add     rdi, 8
.done:
        ret                             ; error: [VAL003]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
