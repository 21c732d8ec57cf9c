; json_escape: appends text as a JSON string literal
;
;@ int json_escape(struct buffer *out, const char *s, unsigned long n)
;@   in    rdi = out, rsi = s, rdx = n
;@   out   rax
;@   requires \valid(out) && out->len <= out->cap
;@   requires \valid(out->data + (0 .. out->cap - 1))
;@   requires n == 0 || \valid_read(s + (0 .. n - 1))
;@   assigns out->data[0 .. out->cap - 1], out->len
;@   ensures \result == 0 || \result == BUFFER_FULL
;@   outcome full: \result == BUFFER_FULL
;@   stack 64

default rel
bits 64

; The quotation mark, the reverse solidus, and the first byte that is no control.
quote   equ     0x22
solidus equ     0x5c
blank   equ     0x20

; The number of bytes that are looked at together. [FR-007]
chunk   equ     16

section .rodata align=16

; A chunk of quotation marks, for comparison. [FR-007]
all_quotes:
        times chunk db quote

; A chunk of reverse solidi, for comparison. [FR-007]
all_solidi:
        times chunk db solidus

; A chunk of the greatest control byte, for comparison. [FR-007]
all_controls:
        times chunk db blank - 1

; The letter of the short escape of each byte below 0x20, or 0 if it has none. [FR-003]
short_escapes:
        db      0, 0, 0, 0, 0, 0, 0, 0
        db      'b', 't', 'n', 0, 'f', 'r', 0, 0
        db      0, 0, 0, 0, 0, 0, 0, 0
        db      0, 0, 0, 0, 0, 0, 0, 0

; The lower-case hexadecimal digits. [FR-003]
hex_digits:
        db      '0123456789abcdef'

section .text align=16

global json_escape:function (json_escape.end - json_escape)
json_escape:
        ; Let r8 be the room left in the buffer and r9 the place of the next byte.
        mov     rax, [rdi + t_buffer.len]
        mov     r8, [rdi + t_buffer.cap]
        sub     r8, rax
        mov     r9, [rdi + t_buffer.data]
        add     r9, rax

        ; Keep the addresses of the tables in r10 and r11.
        lea     r10, [rel short_escapes]
        lea     r11, [rel hex_digits]

        ; Keep the chunks for comparison in xmm3, xmm4 and xmm5. [FR-007]
        movdqa  xmm3, [rel all_quotes]
        movdqa  xmm4, [rel all_solidi]
        movdqa  xmm5, [rel all_controls]

        ; Append the opening quotation mark if it fits. [FR-001] [FR-005]
        test    r8, r8
        jz      .full
        mov     byte [r9], quote
        inc     r9
        dec     r8

.next:
        ; Go on byte by byte when less than a chunk of s or of room is left. [FR-006] [FR-007]
        cmp     rdx, chunk
        jb      .tail
        cmp     r8, chunk
        jb      .tail

        ; Mark in xmm1 the quotation marks and reverse solidi of the chunk. [FR-002] [FR-007]
        movdqu  xmm0, [rsi]
        movdqa  xmm1, xmm0
        pcmpeqb xmm1, xmm3
        movdqa  xmm2, xmm0
        pcmpeqb xmm2, xmm4
        por     xmm1, xmm2

        ; Mark the controls too: the bytes that are their own minimum with 0x1f. [FR-003] [FR-007]
        movdqa  xmm2, xmm0
        pminub  xmm2, xmm5
        pcmpeqb xmm2, xmm0
        por     xmm1, xmm2
        pmovmskb ecx, xmm1

        ; Copy the chunk, which fits; what follows a marked byte is overwritten later. [FR-004] [FR-005]
        movdqu  [r9], xmm0
        test    ecx, ecx
        jnz     .found

        ; Step over a chunk in which no byte needs an escape. [FR-007]
        add     rsi, chunk
        sub     rdx, chunk
        add     r9, chunk
        sub     r8, chunk
        jmp     .next

.found:
        ; Step over the bytes before the first that needs an escape; that byte is left. [FR-007]
        bsf     ecx, ecx
        add     rsi, rcx
        sub     rdx, rcx
        add     r9, rcx
        sub     r8, rcx
        jmp     .take

.tail:
        ; Stop before reading when no byte of s is left. [FR-006]
        test    rdx, rdx
        jz      .close

.take:
        ; Take the next byte of s, zero-extended, into eax.
        movzx   eax, byte [rsi]
        inc     rsi
        dec     rdx

        ; Choose the form in which the byte is appended. [FR-002] [FR-003]
        cmp     eax, blank
        jb      .control
        cmp     eax, quote
        je      .short_escape
        cmp     eax, solidus
        je      .short_escape

        ; Copy any other byte unchanged if it fits. [FR-004] [FR-005]
        test    r8, r8
        jz      .full
        mov     [r9], al
        inc     r9
        dec     r8

        ; Such a byte is met in the tail only, and no whole chunk can follow it. [FR-007]
        jmp     .tail

.control:
        ; Look up the letter of the short escape; without one, use hexadecimal. [FR-003]
        movzx   ecx, byte [r10 + rax]
        test    ecx, ecx
        jz      .hexadecimal
        mov     eax, ecx

.short_escape:
        ; Append a reverse solidus and the byte in al if both fit. [FR-002] [FR-005]
        cmp     r8, 2
        jb      .full
        mov     byte [r9], solidus
        mov     [r9 + 1], al
        add     r9, 2
        sub     r8, 2
        jmp     .next

.hexadecimal:
        ; Append the four bytes \u00 if the six of the escape fit. [FR-003] [FR-005]
        cmp     r8, 6
        jb      .full
        mov     dword [r9], '\u00'

        ; Append the digit of the high four bits, then that of the low four. [FR-003]
        mov     ecx, eax
        shr     ecx, 4
        and     eax, 0x0f
        movzx   ecx, byte [r11 + rcx]
        movzx   eax, byte [r11 + rax]
        mov     [r9 + 4], cl
        mov     [r9 + 5], al
        add     r9, 6
        sub     r8, 6
        jmp     .next

.close:
        ; Append the closing quotation mark if it fits. [FR-001] [FR-005]
        test    r8, r8
        jz      .full
        mov     byte [r9], quote
        dec     r8

        ; The new length is the capacity less the room that is left. [FR-001]
        mov     rax, [rdi + t_buffer.cap]
        sub     rax, r8
        mov     [rdi + t_buffer.len], rax
        xor     eax, eax
        ret

.full:
        ; The literal does not fit: leave the length as it was. [FR-005]
        mov     eax, BUFFER_FULL
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
