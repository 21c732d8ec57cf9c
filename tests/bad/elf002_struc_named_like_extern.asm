; One name as `extern` and as `struc`: the call would go to absolute address 0.
        default rel
        extern  stat                    ; error: [ELF002]
struc stat
.mode:  resd    1
endstruc
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    stat
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
