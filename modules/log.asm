; log: lines on standard error
;
;@ void log_line(const char *text, unsigned long n)
;@   in    rdi = text, rsi = n
;@   requires n == 0 || \valid_read(text + (0 .. n - 1))
;@   assigns errno
;@   stack 64

default rel
bits 64

; The file descriptor of standard error.
STDERR_FD       equ     2
; The most bytes of a text that are written.
TEXT_MAX        equ     1000

section .data

; The line being composed. Its prefix stands there for ever; the text and the line feed
; follow it. [FR-001]
line:
        db      "taskify: "
line_text:
        times   TEXT_MAX + 1 db 0

; The length of the prefix.
PREFIX_LEN      equ     line_text - line

section .text align=16

; rbx = the bytes of text that are written. One register makes rsp a multiple of 16.
global log_line:function (log_line.end - log_line)
log_line:
        push    rbx

        ; Of a longer text only the first 1000 bytes count. [FR-001]
        mov     rbx, rsi
        cmp     rbx, TEXT_MAX
        jbe     .length_known
        mov     ebx, TEXT_MAX
.length_known:

        ; Copy the text behind the prefix; of no bytes memcpy reads none. [FR-001]
        mov     rsi, rdi
        lea     rdi, [rel line_text]
        mov     rdx, rbx
        call    memcpy wrt ..plt

        ; End the line; there is room for the line feed behind 1000 bytes. [FR-001]
        lea     rsi, [rel line]
        mov     byte [rsi + rbx + PREFIX_LEN], 10

        ; Write all of it at once, and leave it at that. [FR-001]
        mov     edi, STDERR_FD
        lea     rdx, [rbx + PREFIX_LEN + 1]
        call    write wrt ..plt

        ; Give the caller its register back.
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
