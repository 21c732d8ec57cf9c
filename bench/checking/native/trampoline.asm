; trampoline -- calls a function under judgement with every register known, and stands between it
; and what it calls.
;
; `judge_call` takes everything from `judge_state`, runs the function on a stack of its own and
; stores what the registers held afterwards. `judge_enter` is where a call of an external function
; arrives (through a thunk of thunks.asm): it has the call looked at, makes it, and then leaves junk
; in all that the ABI lets a callee destroy (System V psABI 1.0, figure 3.4).

        default rel
        bits    64

        struc   state
.target         resq    1
.sp             resq    1               ; rsp at the call; the stack arguments begin there
.flags          resq    1               ; rflags at the call
.gpr            resq    16              ; rax rcx rdx rbx - rbp rsi rdi r8-r15, by number
.ymm            resb    16 * 32
.out_sp         resq    1
.out_flags      resq    1
.out_gpr        resq    16
.out_xmm        resb    2 * 16
.out_mxcsr      resd    1
.out_fcw        resd    1
.out_ftw        resq    1
        endstruc

        struc   entry                   ; one external function
.real           resq    1
.arguments      resq    1               ; letters of its arguments, for judge_look
.result         resq    1               ; l: rax; i, h, c, b: a part of it; d, f: xmm0; v: nothing
        endstruc

JUNK_BELOW      equ     512             ; bytes below rsp that a callee may have destroyed

        extern  judge_look
        global  judge_call, judge_enter, judge_state, judge_arguments, judge_entry, judge_junk
        global  judge_call_sp, judge_call_flags, judge_flags, judge_inside

        section .bss align=64
judge_state:    resb    state_size
judge_junk:     resq    32              ; what destroyed registers hold, by number, then vectors
judge_arguments: resq   6               ; rdi rsi rdx rcx r8 r9 at an external call
                resq    8               ; the low halves of xmm0-xmm7
judge_entry:    resq    1
judge_call_sp:  resq    1               ; rsp at an external call, before the return address
judge_call_flags: resq  1
judge_flags:    resq    1               ; what destroyed flags hold
judge_inside:   resb    1               ; 1 while an external function runs
                alignb  8
home:           resq    1               ; the C caller's rsp
back:           resq    1               ; the return address of an external call
kept:           resq    4
        alignb  64
fpu:            resb    512

        section .text align=16

judge_call:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [home], rsp
%assign i 0
%rep 16
        vmovdqu ymm %+ i, [judge_state + state.ymm + 32 * i]
%assign i i + 1
%endrep
        mov     rsp, [judge_state + state.sp]
        push    qword [judge_state + state.flags]
        popfq
        mov     rax, [judge_state + state.gpr]
        mov     rcx, [judge_state + state.gpr + 8]
        mov     rdx, [judge_state + state.gpr + 16]
        mov     rbx, [judge_state + state.gpr + 24]
        mov     rbp, [judge_state + state.gpr + 40]
        mov     rsi, [judge_state + state.gpr + 48]
        mov     rdi, [judge_state + state.gpr + 56]
        mov     r8, [judge_state + state.gpr + 64]
        mov     r9, [judge_state + state.gpr + 72]
        mov     r10, [judge_state + state.gpr + 80]
        mov     r11, [judge_state + state.gpr + 88]
        mov     r12, [judge_state + state.gpr + 96]
        mov     r13, [judge_state + state.gpr + 104]
        mov     r14, [judge_state + state.gpr + 112]
        mov     r15, [judge_state + state.gpr + 120]
        call    [judge_state + state.target]

        mov     [judge_state + state.out_sp], rsp
        mov     rsp, [home]
        pushfq
        pop     qword [judge_state + state.out_flags]
        cld
        mov     [judge_state + state.out_gpr], rax
        mov     [judge_state + state.out_gpr + 16], rdx
        mov     [judge_state + state.out_gpr + 24], rbx
        mov     [judge_state + state.out_gpr + 40], rbp
        mov     [judge_state + state.out_gpr + 96], r12
        mov     [judge_state + state.out_gpr + 104], r13
        mov     [judge_state + state.out_gpr + 112], r14
        mov     [judge_state + state.out_gpr + 120], r15
        movdqu  [judge_state + state.out_xmm], xmm0
        movdqu  [judge_state + state.out_xmm + 16], xmm1
        fxsave64 [fpu]
        mov     eax, [fpu + 24]
        mov     [judge_state + state.out_mxcsr], eax
        movzx   eax, word [fpu]
        mov     [judge_state + state.out_fcw], eax
        movzx   eax, byte [fpu + 4]
        mov     [judge_state + state.out_ftw], rax
        vzeroupper
        fninit
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

; r11 = entry of the external function; all else is the caller's.
judge_enter:
        mov     byte [judge_inside], 1
        mov     [judge_entry], r11
        pop     qword [back]
        mov     [judge_call_sp], rsp
        mov     [judge_arguments], rdi
        mov     [judge_arguments + 8], rsi
        mov     [judge_arguments + 16], rdx
        mov     [judge_arguments + 24], rcx
        mov     [judge_arguments + 32], r8
        mov     [judge_arguments + 40], r9
%assign i 0
%rep 8
        movq    [judge_arguments + 48 + 8 * i], xmm %+ i
%assign i i + 1
%endrep
        mov     [kept], rax
        sub     rsp, 128                ; a misaligned caller must not fail before it is told
        and     rsp, -64
        pushfq
        pop     qword [judge_call_flags]
        cld
        call    judge_look
        mov     rsp, [judge_call_sp]
        mov     rdi, [judge_arguments]
        mov     rsi, [judge_arguments + 8]
        mov     rdx, [judge_arguments + 16]
        mov     rcx, [judge_arguments + 24]
        mov     r8, [judge_arguments + 32]
        mov     r9, [judge_arguments + 40]
%assign i 0
%rep 8
        movq    xmm %+ i, [judge_arguments + 48 + 8 * i]
%assign i i + 1
%endrep
        mov     rax, [kept]
        mov     r11, [judge_entry]
        call    [r11 + entry.real]

        ; The stack below, as a callee leaves it.
        mov     rcx, [judge_junk + 8]
        lea     rdi, [rsp - JUNK_BELOW - 8]
        lea     rsi, [rsp - 8]
.below:
        mov     [rdi], rcx
        add     rdi, 8
        cmp     rdi, rsi
        jb      .below

        ; The result, with junk in the bits that it does not have.
        mov     r11, [judge_entry]
        mov     r10, [r11 + entry.result]
        mov     rdx, [judge_junk + 16]
        cmp     r10d, 'l'
        je      .integer
        cmp     r10d, 'i'
        je      .int
        cmp     r10d, 'd'
        je      .real
        movq    xmm0, rdx
        mov     rax, rdx
        jmp     .rest
.int:
        mov     eax, eax
        shr     rdx, 32
        shl     rdx, 32
        or      rax, rdx
.integer:
        movq    xmm0, [judge_junk + 16]
        jmp     .rest
.real:
        mov     rax, rdx
.rest:
%assign i 1
%rep 15
        movq    xmm %+ i, [judge_junk + 8 * (16 + i)]
%assign i i + 1
%endrep
        mov     rcx, [judge_junk + 8]
        mov     rdx, [judge_junk + 16]
        mov     rsi, [judge_junk + 48]
        mov     rdi, [judge_junk + 56]
        mov     r8, [judge_junk + 64]
        mov     r9, [judge_junk + 72]
        mov     r10, [judge_junk + 80]
        mov     r11, [judge_junk + 88]
        mov     byte [judge_inside], 0
        push    qword [judge_flags]     ; counting goes on, where it does
        popfq
        mov     [rsp - 8], rcx          ; the flags that were there are junk that nobody would know
        jmp     [back]                  ; rsp is where it was before the call
        section .note.GNU-stack noalloc noexec nowrite progbits
