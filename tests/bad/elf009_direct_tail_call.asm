; A jump to a library's function is a direct reference as well.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        jmp     puts                    ; error: [ELF009]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
