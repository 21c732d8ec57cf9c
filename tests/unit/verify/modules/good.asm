; good -- functions that keep every rule, one for each kind of argument and result.

        default rel
        bits    64

%macro  entry 1
        global  %1:function (%1.end - %1)
%1:
%endmacro

; struct buffer { char *data; size_t len; size_t cap; }
        struc   buffer
.data   resq    1
.len    resq    1
.cap    resq    1
        endstruc

        section .rodata
hello:  db      "hello", 0

        section .data align=16
        global  counter:data 4, table:data 12
counter:
        dd      7
table:  dd      1, 2, 3

        section .text align=16

entry   add_int                         ; int add_int(int a, int b)
        lea     eax, [rdi + rsi]
        ret
.end:

entry   widen                           ; long widen(signed char a, unsigned short b, _Bool c)
        movsx   rax, dil
        movzx   ecx, si
        add     rax, rcx
        movzx   ecx, dl
        add     rax, rcx
        ret
.end:

entry   narrow                          ; signed char narrow(int a): upper bits stay garbage
        mov     rax, -1
        mov     eax, edi
        or      eax, 7fffff00h
        ret
.end:

entry   sum_bytes                       ; unsigned sum_bytes(const unsigned char *s, size_t n)
        xor     eax, eax
        xor     ecx, ecx
.next:
        cmp     rcx, rsi
        jae     .done
        movzx   edx, byte [rdi + rcx]
        add     eax, edx
        inc     rcx
        jmp     .next
.done:
        ret
.end:

entry   sum_words                       ; uint64_t sum_words(const uint64_t *src, size_t len)
        xor     eax, eax
        test    rsi, rsi
        jz      .done
.next:
        add     rax, [rdi]
        add     rdi, 8
        dec     rsi
        jnz     .next
.done:
        ret
.end:

entry   fill                            ; void fill(char *out, size_t n, char c)
        mov     rcx, rsi
        mov     eax, edx
        rep stosb
        ret
.end:

entry   append                          ; int append(buffer *b, char c): -1 when full
        mov     rcx, [rdi + buffer.len]
        cmp     rcx, [rdi + buffer.cap]
        jae     .full
        mov     rdx, [rdi + buffer.data]
        mov     [rdx + rcx], sil
        inc     qword [rdi + buffer.len]
        xor     eax, eax
        ret
.full:
        mov     eax, -1
        ret
.end:

entry   nine                            ; long nine(long a, ..., long i): the ninth minus the first
        mov     rax, [rsp + 24]
        sub     rax, rdi
        ret
.end:

entry   scale                           ; double scale(double x, float y, int n)
        cvtss2sd xmm1, xmm1
        mulsd   xmm0, xmm1
        cvtsi2sd xmm1, edi
        mulsd   xmm0, xmm1
        ret
.end:

entry   half                            ; long double half(long double x)
        fld     tword [rsp + 8]
        push    2
        fidiv   dword [rsp]
        pop     rax
        ret
.end:

entry   middle                          ; point middle(point a, point b), struct point { int x, y; }
        mov     rax, rdi
        mov     rdx, rsi
        sar     rax, 32                 ; y of a and of b
        sar     rdx, 32
        add     eax, edx
        sar     eax, 1
        shl     rax, 32
        add     edi, esi                ; x of a and of b
        sar     edi, 1
        or      rax, rdi
        ret
.end:

entry   greet                           ; const char *greet(_Bool known): NULL unless known
        lea     rcx, [hello]
        xor     eax, eax
        test    dil, dil
        cmovnz  rax, rcx
        ret
.end:

entry   count_vectors                   ; int count_vectors(int n, ...): the al of the call
        movzx   eax, al
        ret
.end:

entry   second                          ; long second(int n, ...)
        mov     rax, rsi
        ret
.end:

entry   apply                           ; int apply(int (*f)(int, const char *), int x)
        sub     rsp, 8                  ; rsp is 0 modulo 16
        mov     rax, rdi
        mov     edi, esi
        lea     rsi, [hello]
        call    rax
        inc     eax
        add     rsp, 8
        ret
.end:

entry   length                          ; size_t length(const char *s), valid_read_string(s)
        xor     eax, eax
.next:
        cmp     byte [rdi + rax], 0
        je      .done
        inc     rax
        jmp     .next
.done:
        ret
.end:

entry   is_even                         ; _Bool is_even(int n)
        mov     eax, edi
        not     eax
        and     eax, 1
        ret
.end:

entry   next_counter                    ; int next_counter(void)
        mov     eax, [counter]
        inc     dword [counter]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
