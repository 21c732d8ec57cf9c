; bad -- one function for each way in which a module can fail its test.

        default rel
        bits    64

        extern  strlen, abort

%macro  entry 1
        global  %1:function (%1.end - %1)
%1:
%endmacro

        section .rodata
fixed:  dq      1

        section .data align=16
        global  counter:data 4
counter:
        dd      7

        section .bss align=8
kept:   resq    1

        section .text align=16

entry   read_beyond                     ; int read_beyond(const char *s, size_t n)
        movzx   eax, byte [rdi + rsi]   ; one too far
        ret
.end:

entry   write_beyond                    ; void write_beyond(char *out, size_t n)
        mov     byte [rdi + rsi], 0
        ret
.end:

entry   write_before                    ; void write_before(char *out)
        mov     byte [rdi - 1], 0
        ret
.end:

entry   write_argument                  ; void write_argument(const char *s)
        mov     byte [rdi], 0
        ret
.end:

entry   write_constant                  ; void write_constant(void)
        mov     qword [fixed], 2
        ret
.end:

entry   read_null                       ; int read_null(const int *p)
        mov     eax, [rdi]
        ret
.end:

entry   endless                         ; void endless(void)
.again:
        jmp     .again
        ret
.end:

entry   asleep                          ; void asleep(void)
        mov     eax, 34                 ; pause(2): waits for a signal
        syscall
        jmp     asleep
.end:

entry   undefined                       ; void undefined(void)
        ud2
.end:

entry   breakpoint                      ; void breakpoint(void)
        int3
        ret
.end:

entry   divide                          ; int divide(int a, int b)
        mov     eax, edi
        cdq
        idiv    esi
        ret
.end:

entry   clobbers_rbx                    ; void clobbers_rbx(void)
        xor     ebx, ebx
        ret
.end:

entry   clobbers_r15                    ; void clobbers_r15(void)
        mov     r15, 15
        ret
.end:

entry   leaves_direction                ; void leaves_direction(void)
        std
        ret
.end:

entry   pops_arguments                  ; void pops_arguments(void)
        ret     8
.end:

entry   leaves_mmx                      ; void leaves_mmx(void)
        movq    mm0, rdi
        ret
.end:

entry   changes_rounding                ; void changes_rounding(void)
        mov     dword [rsp - 4], 7f80h
        ldmxcsr [rsp - 4]
        ret
.end:

entry   recurses                        ; void recurses(void)
        sub     rsp, 8
        call    recurses
        add     rsp, 8
        ret
.end:

entry   unaligned                       ; void unaligned(void)
        movaps  [rsp - 24 + 8], xmm0    ; rsp is 8 modulo 16
        ret
.end:

entry   uses_junk                       ; int uses_junk(void)
        mov     eax, [r10]
        ret
.end:

entry   trusts_upper_half               ; int trusts_upper_half(const char *s, int n)
        movzx   eax, byte [rdi + rsi]
        ret
.end:

entry   jumps_wild                      ; void jumps_wild(void)
        mov     eax, 1234567h
        call    rax
        ret
.end:

entry   calls_strlen                    ; size_t calls_strlen(const char *s)
        sub     rsp, 8
        call    strlen wrt ..plt
        add     rsp, 8
        ret
.end:

entry   unbalanced                      ; void unbalanced(void)
        push    rbx
        ret
.end:

entry   calls_junk                      ; void calls_junk(void)
        jmp     r11
.end:

entry   privileged                      ; void privileged(void)
        cli
        ret
.end:

entry   keeps_pointer                   ; void keeps_pointer(const char *s): NULL reads the last one
        test    rdi, rdi
        jz      .read
        mov     [kept], rdi
        ret
.read:
        mov     rax, [kept]
        movzx   eax, byte [rax]
        ret
.end:

entry   odd_boolean                     ; _Bool odd_boolean(void)
        mov     eax, 2
        ret
.end:

entry   aborts                          ; void aborts(void)
        sub     rsp, 8
        call    abort wrt ..plt
.end:

entry   quits                           ; void quits(void)
        mov     eax, 231                ; exit_group(2)
        mov     edi, 3
        syscall
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
