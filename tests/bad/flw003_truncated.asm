; The address of the table is added in 32 bits only.
        default rel
        section .rodata
table:  dd      0, 0
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        lea     rdx, [rel table]
        movsxd  rax, dword [rdx + rdi * 4]
        add     eax, edx
        jmp     rax                     ; error: [FLW003]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
