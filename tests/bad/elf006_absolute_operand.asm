; 32-bit absolute addresses, as operand and as displacement.
        default rel
        section .bss align=8
last:   resq    1
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, dword last         ; error: [ELF006]
        mov     rcx, [abs last]         ; error: [ELF006]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
