; trampoline -- call a function under test, and survive it.
;
; Linked into every test library. `asmith_verify_call` takes the place of the function under test:
; it is called with that function's arguments, in that function's registers and stack slots, and
; learns the address from the frame that `asmith_verify_frame` points to. It puts values that it
; can recognise into the callee-saved registers and junk into the caller-saved ones, calls, and
; stores what the registers held afterwards. `asmith_verify_on_signal` is the handler that turns a
; fault of that function into an ordinary return, with a record of where it was.
;
; Names of registers and flags: System V psABI 1.0, section 3.2.1 and figure 3.4.

        default rel
        bits    64

; One call. The Python side of it is `asmith.verify.call.Frame`.
        struc   frame
.target         resq    1               ; in: the function
.keep_al        resq    1               ; in: nonzero if variadic: al counts vector registers
.empties_x87    resq    1               ; in: nonzero unless the result is returned in st0
.junk           resq    1               ; in: what caller-saved registers and free stack hold
.want           resq    6               ; in: rbx, rbp, r12, r13, r14, r15 at the call
.got            resq    6               ; out: the same after it
.want_rsp       resq    1               ; out: where rsp must point after the return
.got_rsp        resq    1               ; out: where it pointed
.got_flags      resq    1               ; out: rflags after the return
.want_mxcsr     resd    1               ; out: MXCSR and x87 control word before the call
.want_fcw       resd    1
.got_mxcsr      resd    1               ; out: and after it
.got_fcw        resd    1
.got_x87        resq    1               ; out: bit i set if x87 register i is in use
.active         resq    1               ; nonzero between the call and its return
.crashed        resq    1               ; out: nonzero if a signal ended the call
.return         resq    1               ; the caller's return address
.saved          resq    6               ; the caller's rbx, rbp, r12, r13, r14, r15
        endstruc

; What the handler found. The Python side of it is `asmith.verify.record.Record`.
        struc   record
.signal         resq    1
.code           resq    1               ; si_code
.address        resq    1               ; si_addr
.count          resq    1               ; signals so far
.in_call        resq    1               ; nonzero if a function under test was running
.stack_size     resq    1               ; bytes of .stack that could be read
.registers      resq    23              ; gregs of the ucontext: r8 first, cr2 last
.stack          resb    4096            ; from rsp up
        endstruc

SPOILED_STACK   equ     2048            ; bytes below rsp that hold junk when the target starts
STACK_COPY      equ     4096            ; bytes of record.stack

; Signal numbers, system calls and offsets of Linux on x86-64.
SIGALRM         equ     14
SIGXCPU         equ     24
SYS_getpid      equ     39
SYS_exit_group  equ     231
SYS_process_vm_readv equ 310
SI_CODE         equ     8               ; siginfo_t
SI_ADDR         equ     16
UC_GREGS        equ     40              ; ucontext_t: uc_mcontext.gregs
REG_RSP         equ     15              ; index in gregs
REG_RIP         equ     16
REG_EFL         equ     17
GREGS           equ     23
TRAP_AND_DIRECTION equ  500h            ; rflags.TF and rflags.DF
EXIT_BASE       equ     128             ; as the shell reports a signal
FX_FCW          equ     0               ; FXSAVE area: control word, tag word, MXCSR
FX_FTW          equ     4
FX_MXCSR        equ     24

        section .bss align=16
fpu:            resb    512
target:         resq    1
; The two words that Python sets: the frame of the call in progress, and the record to fill.
        global  asmith_verify_frame:data 8
asmith_verify_frame:
current:        resq    1
        global  asmith_verify_record:data 8
asmith_verify_record:
findings:       resq    1

        section .text align=16

; Called as the function under test. rsp is 8 modulo 16 on entry, and again when the target starts.
        global  asmith_verify_call:function (asmith_verify_call.end - asmith_verify_call)
asmith_verify_call:
        mov     r11, [current]
        pop     qword [r11 + frame.return]      ; stack arguments now begin at rsp, where the
        mov     [r11 + frame.want_rsp], rsp     ; target expects them once it has been called
        mov     [r11 + frame.saved], rbx
        mov     [r11 + frame.saved + 8], rbp
        mov     [r11 + frame.saved + 16], r12
        mov     [r11 + frame.saved + 24], r13
        mov     [r11 + frame.saved + 32], r14
        mov     [r11 + frame.saved + 40], r15
        stmxcsr [r11 + frame.want_mxcsr]
        fnstcw  [r11 + frame.want_fcw]

        ; Nothing below rsp belongs to anyone: a target that reads a local before it wrote it
        ; must not find yesterday's right value there.
        mov     rbx, [r11 + frame.junk]
        lea     r10, [rsp - SPOILED_STACK]
.spoil:
        mov     [r10], rbx
        add     r10, 8
        cmp     r10, rsp
        jb      .spoil

        ; xmm0-xmm7 and the six integer argument registers were filled by the caller.
        movq    xmm8, rbx
        punpcklqdq xmm8, xmm8
        movdqa  xmm9, xmm8
        movdqa  xmm10, xmm8
        movdqa  xmm11, xmm8
        movdqa  xmm12, xmm8
        movdqa  xmm13, xmm8
        movdqa  xmm14, xmm8
        movdqa  xmm15, xmm8

        mov     r10, rbx
        cmp     qword [r11 + frame.keep_al], 0
        je      .rax_chosen
        mov     r10b, al
.rax_chosen:
        mov     rax, r10
        mov     r10, [r11 + frame.target]
        mov     [target], r10
        mov     r10, rbx
        mov     rbx, [r11 + frame.want]
        mov     rbp, [r11 + frame.want + 8]
        mov     r12, [r11 + frame.want + 16]
        mov     r13, [r11 + frame.want + 24]
        mov     r14, [r11 + frame.want + 32]
        mov     r15, [r11 + frame.want + 40]
        mov     qword [r11 + frame.active], 1
        mov     r11, r10
        call    [target]

        ; rax, rdx, xmm0, xmm1, st0 and st1 may hold the result; the rest is free.
        mov     r11, [current]
        mov     qword [r11 + frame.active], 0
        mov     [r11 + frame.got_rsp], rsp
        mov     rsp, [r11 + frame.want_rsp]
        pushfq
        pop     qword [r11 + frame.got_flags]
        cld
        mov     [r11 + frame.got], rbx
        mov     [r11 + frame.got + 8], rbp
        mov     [r11 + frame.got + 16], r12
        mov     [r11 + frame.got + 24], r13
        mov     [r11 + frame.got + 32], r14
        mov     [r11 + frame.got + 40], r15
        fxsave64 [fpu]
        mov     r10d, [fpu + FX_MXCSR]
        mov     [r11 + frame.got_mxcsr], r10d
        movzx   r10d, word [fpu + FX_FCW]
        mov     [r11 + frame.got_fcw], r10d
        movzx   r10d, byte [fpu + FX_FTW]
        mov     [r11 + frame.got_x87], r10
        cmp     qword [r11 + frame.empties_x87], 0
        je      .leave
        emms                            ; leave the x87 registers empty for Python, come what may
.leave:
        ldmxcsr [r11 + frame.want_mxcsr]
        fldcw   [r11 + frame.want_fcw]
        mov     rbx, [r11 + frame.saved]
        mov     rbp, [r11 + frame.saved + 8]
        mov     r12, [r11 + frame.saved + 16]
        mov     r13, [r11 + frame.saved + 24]
        mov     r14, [r11 + frame.saved + 32]
        mov     r15, [r11 + frame.saved + 40]
        push    qword [r11 + frame.return]
        ret

; The handler resumes here after a fault: rsp and every other register are the target's.
.recover:
        mov     r11, [current]
        mov     rsp, [r11 + frame.want_rsp]
        fninit
        xor     eax, eax
        xor     edx, edx
        pxor    xmm0, xmm0
        pxor    xmm1, xmm1
        jmp     .leave
.end:

; void asmith_verify_on_signal(int signal, siginfo_t *info, void *context)
;
; Runs on the alternate stack. The kernel restores every register from the context when this
; returns, so none is preserved here. A fault of the target resumes at `.recover`; time limits,
; and faults outside of a target, end the process: its parent reads the record.
        global  asmith_verify_on_signal:function (asmith_verify_on_signal.end - asmith_verify_on_signal)
asmith_verify_on_signal:
        cld
        mov     rbx, rdx                ; rbx = context
        mov     rbp, [findings]         ; rbp = record
        movsxd  r12, edi                ; r12 = signal
        mov     [rbp + record.signal], r12
        movsxd  rax, dword [rsi + SI_CODE]
        mov     [rbp + record.code], rax
        mov     rax, [rsi + SI_ADDR]
        mov     [rbp + record.address], rax
        inc     qword [rbp + record.count]
        lea     rsi, [rbx + UC_GREGS]
        lea     rdi, [rbp + record.registers]
        mov     ecx, GREGS
        rep movsq

        ; The kernel copies the stack, since rsp itself may be what is wrong.
        mov     eax, SYS_getpid
        syscall
        mov     edi, eax
        push    STACK_COPY              ; remote iovec: { rsp of the context, length }
        push    qword [rbx + UC_GREGS + 8 * REG_RSP]
        mov     r10, rsp
        push    STACK_COPY              ; local iovec
        lea     rax, [rbp + record.stack]
        push    rax
        mov     rsi, rsp
        mov     edx, 1
        mov     r8d, 1
        xor     r9d, r9d
        mov     eax, SYS_process_vm_readv
        syscall
        add     rsp, 32
        xor     ecx, ecx
        test    rax, rax
        cmovs   rax, rcx                ; an error copied nothing
        mov     [rbp + record.stack_size], rax

        mov     r11, [current]
        xor     eax, eax
        test    r11, r11
        jz      .outside
        mov     rax, [r11 + frame.active]
.outside:
        mov     [rbp + record.in_call], rax
        test    rax, rax
        jz      .give_up
        cmp     r12d, SIGALRM
        je      .give_up
        cmp     r12d, SIGXCPU
        je      .give_up

        mov     qword [r11 + frame.active], 0
        mov     qword [r11 + frame.crashed], 1
        lea     rax, [asmith_verify_call.recover]
        mov     [rbx + UC_GREGS + 8 * REG_RIP], rax
        and     qword [rbx + UC_GREGS + 8 * REG_EFL], ~TRAP_AND_DIRECTION
        ret                             ; to the restorer, which calls rt_sigreturn
.give_up:
        lea     edi, [r12 + EXIT_BASE]
        mov     eax, SYS_exit_group
        syscall
        ud2                             ; exit_group does not return
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
