; json_writer: appends parts of a JSON text to a buffer
;
;@ int json_append(struct buffer *out, const char *s, unsigned long n)
;@   in    rdi = out, rsi = s, rdx = n
;@   out   rax
;@   requires \valid(out) && out->len <= out->cap
;@   requires \valid(out->data + (0 .. out->cap - 1))
;@   requires n == 0 || \valid_read(s + (0 .. n - 1))
;@   assigns out->data[0 .. out->cap - 1], out->len
;@   ensures \result == 0 || \result == BUFFER_FULL
;@   outcome full: \result == BUFFER_FULL
;@   stack 64
;
;@ int json_member_raw(struct buffer *out, const char *key, unsigned long key_len, const char *s, unsigned long n)
;@   in    rdi = out, rsi = key, rdx = key_len, rcx = s, r8 = n
;@   out   rax
;@   requires \valid(out) && out->len <= out->cap
;@   requires \valid(out->data + (0 .. out->cap - 1))
;@   requires key_len > 0 && \valid_read(key + (0 .. key_len - 1))
;@   requires n > 0 && \valid_read(s + (0 .. n - 1))
;@   assigns out->data[0 .. out->cap - 1], out->len
;@   ensures \result == 0 || \result == BUFFER_FULL
;@   outcome full: \result == BUFFER_FULL
;@   stack 128
;
;@ int json_member_string(struct buffer *out, const char *key, unsigned long key_len, const char *s, unsigned long n)
;@   in    rdi = out, rsi = key, rdx = key_len, rcx = s, r8 = n
;@   out   rax
;@   requires \valid(out) && out->len <= out->cap
;@   requires \valid(out->data + (0 .. out->cap - 1))
;@   requires key_len > 0 && \valid_read(key + (0 .. key_len - 1))
;@   requires n == 0 || \valid_read(s + (0 .. n - 1))
;@   assigns out->data[0 .. out->cap - 1], out->len
;@   ensures \result == 0 || \result == BUFFER_FULL
;@   outcome full: \result == BUFFER_FULL
;@   stack 128

default rel
bits 64

; The bytes of JSON that this module writes or looks for.
CHAR_QUOTE      equ     0x22            ; quotation mark
CHAR_COMMA      equ     0x2c            ; comma
CHAR_COLON      equ     0x3a            ; colon
CHAR_BRACKET    equ     0x5b            ; opening square bracket
CHAR_BRACE      equ     0x7b            ; opening curly bracket

; Two quotation marks and a colon stand around each key.
KEY_MARKS       equ     3

section .text align=16

; Appends n bytes of s unchanged.
global json_append:function (json_append.end - json_append)
json_append:
        ; Keep out, since the copy needs rdi.
        mov     r8, rdi
        ; Find the room that is left; len <= cap, so it cannot wrap.
        mov     r9, [r8 + t_buffer.len]
        mov     rax, [r8 + t_buffer.cap]
        sub     rax, r9
        ; Refuse what does not fit, before anything is written [FR-001].
        cmp     rdx, rax
        ja      .full
        ; Copy s to the end of the text; a count of 0 reads nothing [FR-002].
        mov     rdi, [r8 + t_buffer.data]
        add     rdi, r9
        mov     rcx, rdx
        rep movsb
        ; Count the bytes as part of the text.
        add     r9, rdx
        mov     [r8 + t_buffer.len], r9
        ; Report success.
        xor     eax, eax
        ret
.full:
        ; Report that the part does not fit; len is as it was [FR-001].
        mov     eax, BUFFER_FULL
        ret
.end:

; Appends a comma where one is due, the key in quotation marks, and a colon:
; rdi = out, rsi = key, rdx = key_len; eax = 0, or BUFFER_FULL with len as it was.
json_put_key:
        ; Keep out, since the copy needs rdi.
        mov     r8, rdi
        ; Find the end of the text and the room that is left after it.
        mov     r9, [r8 + t_buffer.len]
        mov     rdi, [r8 + t_buffer.data]
        add     rdi, r9
        mov     r10, [r8 + t_buffer.cap]
        sub     r10, r9
        ; An empty text takes no comma [FR-003].
        test    r9, r9
        jz      .write_key
        ; Nor does a text that ends with an opening bracket or a comma [FR-003].
        movzx   eax, byte [rdi - 1]
        cmp     eax, CHAR_BRACE
        je      .write_key
        cmp     eax, CHAR_BRACKET
        je      .write_key
        cmp     eax, CHAR_COMMA
        je      .write_key
        ; Write the comma only if there is room for it [FR-001] [FR-003].
        test    r10, r10
        jz      .full
        mov     byte [rdi], CHAR_COMMA
        inc     rdi
        dec     r10
.write_key:
        ; Require room for the marks and then for the key, so that no sum can wrap [FR-001].
        cmp     r10, KEY_MARKS
        jb      .full
        sub     r10, KEY_MARKS
        cmp     rdx, r10
        ja      .full
        ; Write the quotation mark before the key [FR-003].
        mov     byte [rdi], CHAR_QUOTE
        inc     rdi
        ; Write the key unchanged [FR-003].
        mov     rcx, rdx
        rep movsb
        ; Write the quotation mark and the colon after the key [FR-003].
        mov     byte [rdi], CHAR_QUOTE
        mov     byte [rdi + 1], CHAR_COLON
        add     rdi, 2
        ; The distance from the start of the data is the new length.
        sub     rdi, [r8 + t_buffer.data]
        mov     [r8 + t_buffer.len], rdi
        ; Report success.
        xor     eax, eax
        ret
.full:
        ; Report that the part does not fit; len is as it was [FR-001].
        mov     eax, BUFFER_FULL
        ret
.end:

; Appends a member of an object, whose value is n bytes of s unchanged.
global json_member_raw:function (json_member_raw.end - json_member_raw)
json_member_raw:
        ; Save the caller's registers and align the stack for the calls.
        push    rbx
        push    rbp
        push    r12
        push    r13
        sub     rsp, 8
        ; Keep the arguments of the value and the length to go back to.
        mov     rbx, rdi                ; out
        mov     rbp, rcx                ; s
        mov     r12, r8                 ; n
        mov     r13, [rdi + t_buffer.len] ; length at entry
        ; Append the comma, the key and the colon [FR-003].
        call    json_put_key
        ; If they do not fit, the length is as it was [FR-001].
        test    eax, eax
        jnz     .finished
        ; Append the value unchanged [FR-003].
        mov     rdi, rbx
        mov     rsi, rbp
        mov     rdx, r12
        call    json_append
        test    eax, eax
        jz      .finished
        ; If the value does not fit, take the key back too [FR-001].
        mov     [rbx + t_buffer.len], r13
        mov     eax, BUFFER_FULL
.finished:
        ; Restore the caller's registers.
        add     rsp, 8
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
.end:

; Appends a member of an object, whose value is s as a JSON string literal;
; json_escape writes the whole literal, its quotation marks included.
global json_member_string:function (json_member_string.end - json_member_string)
json_member_string:
        ; Save the caller's registers and align the stack for the calls.
        push    rbx
        push    rbp
        push    r12
        push    r13
        sub     rsp, 8
        ; Keep the arguments of the value and the length to go back to.
        mov     rbx, rdi                ; out
        mov     rbp, rcx                ; s
        mov     r12, r8                 ; n
        mov     r13, [rdi + t_buffer.len] ; length at entry
        ; Append the comma, the key and the colon [FR-004].
        call    json_put_key
        ; If they do not fit, the length is as it was [FR-001].
        test    eax, eax
        jnz     .finished
        ; Append the value as a string literal [FR-004].
        mov     rdi, rbx
        mov     rsi, rbp
        mov     rdx, r12
        call    json_escape wrt ..plt
        test    eax, eax
        jz      .finished
        ; If the value does not fit, take the key back too [FR-001].
        mov     [rbx + t_buffer.len], r13
        mov     eax, BUFFER_FULL
.finished:
        ; Restore the caller's registers.
        add     rsp, 8
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
