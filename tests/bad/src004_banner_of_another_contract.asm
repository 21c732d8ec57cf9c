; counter -- the banner still has a clause that the interface has dropped.
;
;@ unsigned long counter_next(struct counter *c)
;@   in    rdi = c
;@   out   rax
;@   requires \valid(c)
;@   assigns c->count
;@   stack 32
;@   isa   x86-64-v3
;@   ensures \result > 0                ; error: [SRC004]
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, 1
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
