; The offset from rbp is one slot too high, and the array one element too long.
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbp
        mov     rbp, rsp
        sub     rsp, 16
        mov     [rbp + 8], rdi          ; error: [ABI002]
        mov     dword [rbp + 12], 0     ; error: [ABI002]
        mov     [rbp - 8], rdi
        mov     rax, [rbp - 8]
        leave
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
