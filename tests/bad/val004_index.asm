; The int that puts returns is an index, and the result.
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     rbx, rdi
        call    puts wrt ..plt
        mov     rcx, [rbx + rax * 8]    ; error: [VAL004]
        cmp     rax, rcx                ; error: [VAL004]
        je      .done
        mov     [rbx + t_counter.count], rcx
.done:
        pop     rbx
        ret                             ; error: [VAL004]
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
