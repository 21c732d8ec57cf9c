; int_codec: decimal text of unsigned 64-bit integers
;
;@ int u64_format(struct buffer *out, unsigned long value)
;@   in    rdi = out, rsi = value
;@   out   rax
;@   requires \valid(out) && out->len <= out->cap
;@   requires \valid(out->data + (0 .. out->cap - 1))
;@   assigns out->data[0 .. out->cap - 1], out->len
;@   ensures \result == 0 || \result == BUFFER_FULL
;@   outcome full: \result == BUFFER_FULL
;@   stack 64
;
;@ int u64_parse(const char *s, unsigned long n, unsigned long *value)
;@   in    rdi = s, rsi = n, rdx = value
;@   out   rax
;@   requires \valid(value) && \valid_read(s + (0 .. n - 1))
;@   assigns *value
;@   ensures \result == 0 || \result == INT_MALFORMED
;@   outcome malformed: \result == INT_MALFORMED
;@   stack 16

default rel
bits 64

; The base of the text.
RADIX           equ     10
; Room for the 20 digits of 18446744073709551615, rounded up to a multiple of 8.
SCRATCH_SIZE    equ     24
; v / 10 is the high half of v * TENTH_FACTOR, shifted right by TENTH_SHIFT,
; for every unsigned 64-bit v.
TENTH_FACTOR    equ     0xcccccccccccccccd
TENTH_SHIFT     equ     3

section .text align=16

global u64_format:function (u64_format.end - u64_format)
u64_format:
; Build the digits in a scratch area, from its end (r8) downwards, so that
; nothing of the buffer changes before their number is known [FR-002].
        sub     rsp, SCRATCH_SIZE
        lea     r8, [rsp + SCRATCH_SIZE]
        mov     rcx, r8                 ; rcx = first digit so far
        mov     r9, TENTH_FACTOR

; Put the last digit of the rest before the others; the value 0 gets one
; digit, and no other value a leading zero [FR-001].
.next_digit:
        mov     rax, r9
        mul     rsi
        shr     rdx, TENTH_SHIFT        ; rdx = rest / 10
        lea     rax, [rdx + rdx * 4]
        add     rax, rax                ; rax = rest / 10 * 10
        sub     rsi, rax                ; rsi = rest % 10
        add     esi, '0'
        dec     rcx
        mov     [rcx], sil
        mov     rsi, rdx
        test    rdx, rdx
        jnz     .next_digit

; Compare the number of digits with the free bytes [FR-002].
        sub     r8, rcx                 ; r8 = number of digits, at least 1
        mov     rdx, [rdi + t_buffer.len]
        mov     rax, [rdi + t_buffer.cap]
        sub     rax, rdx                ; rax = free bytes
        cmp     r8, rax
        ja      .full

; Account for the digits, and find their place [FR-001].
        mov     rsi, [rdi + t_buffer.data]
        add     rsi, rdx                ; rsi = &out->data[out->len]
        add     rdx, r8
        mov     [rdi + t_buffer.len], rdx

; Copy the digits, the last one first [FR-001].
.copy_digit:
        movzx   eax, byte [rcx + r8 - 1]
        mov     [rsi + r8 - 1], al
        dec     r8
        jnz     .copy_digit

; All digits are in the buffer [FR-002].
        xor     eax, eax
        add     rsp, SCRATCH_SIZE
        ret

; Too few bytes are free: the buffer is as it was [FR-002].
.full:
        mov     eax, BUFFER_FULL
        add     rsp, SCRATCH_SIZE
        ret
.end:

global u64_parse:function (u64_parse.end - u64_parse)
u64_parse:
; An empty text is no number [FR-004].
        test    rsi, rsi
        jz      .malformed

; Start with the value 0 before the first byte.
        mov     r8, rdx                 ; r8 = value; mul changes rdx
        add     rsi, rdi                ; rsi = end of the text
        xor     eax, eax                ; rax = value of the digits so far
        mov     r9d, RADIX

; Take one byte; below '0' the difference wraps to a large one [FR-004].
.next_byte:
        movzx   ecx, byte [rdi]
        sub     ecx, '0'                ; rcx = digit
        cmp     ecx, RADIX - 1
        ja      .malformed

; Append the digit; a carry means a value above 64 bits, which further
; digits only enlarge [FR-003] [FR-004].
        mul     r9
        jc      .malformed
        add     rax, rcx
        jc      .malformed
        inc     rdi
        cmp     rdi, rsi
        jne     .next_byte

; The whole text is a number that fits: store it [FR-003].
        mov     [r8], rax
        xor     eax, eax
        ret

; Nothing has been stored [FR-004].
.malformed:
        mov     eax, INT_MALFORMED
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
