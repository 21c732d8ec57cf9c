; include: none
; The constant of the contract, defined a second time.
        default rel
%define COUNTER_STEP 2                  ; error: [SRC003]
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, COUNTER_STEP
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
