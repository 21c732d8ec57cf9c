; errors: the JSON bodies of errors
;
;@ int error_body(struct buffer *out, int status)
;@   in    rdi = out, rsi = status
;@   out   rax
;@   requires 400 <= status && status <= 599
;@   requires \valid(out) && out->len <= out->cap
;@   requires \valid(out->data + (0 .. out->cap - 1))
;@   assigns out->data[0 .. out->cap - 1], out->len
;@   ensures \result == 0 || \result == BUFFER_FULL
;@   outcome full: \result == BUFFER_FULL
;@   stack 64

default rel
bits 64

; An entry of the table: the status, the length of its body, and the
; distance of its body from the first one.
ENTRY_STATUS    equ     0
ENTRY_LENGTH    equ     2
ENTRY_OFFSET    equ     4
ENTRY_SIZE      equ     8

section .rodata align=8

; The bodies, each whole. [FR-001]
bodies:
body_400:
        db      '{"error":"bad_request",'
        db      '"message":"The request is malformed."}'
len_400 equ     $ - body_400
body_401:
        db      '{"error":"unauthorized",'
        db      '"message":"X-User-Id is missing or unknown."}'
len_401 equ     $ - body_401
body_403:
        db      '{"error":"forbidden",'
        db      '"message":"You may not do this."}'
len_403 equ     $ - body_403
body_404:
        db      '{"error":"not_found",'
        db      '"message":"There is no such thing."}'
len_404 equ     $ - body_404
body_405:
        db      '{"error":"method_not_allowed",'
        db      '"message":"The path does not take this method."}'
len_405 equ     $ - body_405
body_409:
        db      '{"error":"conflict",'
        db      '"message":"The thing has changed meanwhile."}'
len_409 equ     $ - body_409
body_413:
        db      '{"error":"content_too_large",'
        db      '"message":"The body is too large."}'
len_413 equ     $ - body_413
body_414:
        db      '{"error":"uri_too_long",'
        db      '"message":"The target is too long."}'
len_414 equ     $ - body_414
body_415:
        db      '{"error":"unsupported_media_type",'
        db      '"message":"The body must be application/json."}'
len_415 equ     $ - body_415
body_417:
        db      '{"error":"expectation_failed",'
        db      '"message":"The expectation cannot be met."}'
len_417 equ     $ - body_417
body_431:
        db      '{"error":"headers_too_large",'
        db      '"message":"The header fields are too large."}'
len_431 equ     $ - body_431
body_501:
        db      '{"error":"not_implemented",'
        db      '"message":"This is not supported."}'
len_501 equ     $ - body_501
body_503:
        db      '{"error":"unavailable",'
        db      '"message":"The database is away."}'
len_503 equ     $ - body_503
body_505:
        db      '{"error":"version_not_supported",'
        db      '"message":"Only HTTP/1.1 is spoken here."}'
len_505 equ     $ - body_505

; The body of every other status. [FR-002]
body_other:
        db      '{"error":"internal",'
        db      '"message":"Something went wrong."}'
len_other equ   $ - body_other

; The table from status to body; the entry after the last status serves
; every status that the table does not name. [FR-001] [FR-002]
        align   8, db 0
status_table:
        dw      400, len_400
        dd      body_400 - bodies
        dw      401, len_401
        dd      body_401 - bodies
        dw      403, len_403
        dd      body_403 - bodies
        dw      404, len_404
        dd      body_404 - bodies
        dw      405, len_405
        dd      body_405 - bodies
        dw      409, len_409
        dd      body_409 - bodies
        dw      413, len_413
        dd      body_413 - bodies
        dw      414, len_414
        dd      body_414 - bodies
        dw      415, len_415
        dd      body_415 - bodies
        dw      417, len_417
        dd      body_417 - bodies
        dw      431, len_431
        dd      body_431 - bodies
        dw      501, len_501
        dd      body_501 - bodies
        dw      503, len_503
        dd      body_503 - bodies
        dw      505, len_505
        dd      body_505 - bodies
status_other:
        dw      0, len_other
        dd      body_other - bodies

section .text align=16

global error_body:function (error_body.end - error_body)
error_body:
        ; Begin at the first entry, and end at the one for every other status.
        lea     r8, [rel status_table]  ; r8 = entry
        lea     r9, [rel status_other]  ; r9 = the entry that ends the search

        ; Look for the entry of the status. [FR-001]
.next_entry:
        movzx   eax, word [r8 + ENTRY_STATUS]
        cmp     eax, esi                ; only 32 bits of status are defined
        je      .found
        add     r8, ENTRY_SIZE
        cmp     r8, r9
        jb      .next_entry

        ; Here r8 is the entry of the status, or that of every other. [FR-002]
.found:
        movzx   ecx, word [r8 + ENTRY_LENGTH] ; rcx = length of the body

        ; See whether the whole body fits before anything is written. [FR-003]
        mov     rax, [rdi + t_buffer.cap]
        sub     rax, [rdi + t_buffer.len] ; rax = room, since len <= cap
        cmp     rax, rcx
        jb      .too_long

        ; Find the body by its distance from the first one.
        mov     eax, [r8 + ENTRY_OFFSET]
        lea     rsi, [rel bodies]
        add     rsi, rax                ; rsi = body

        ; Find the end of what the buffer holds, and count the body in.
        mov     rdx, rdi                ; rdx = out
        mov     rdi, [rdx + t_buffer.data]
        add     rdi, [rdx + t_buffer.len] ; rdi = where the body goes
        add     [rdx + t_buffer.len], rcx

        ; Append the body; the direction flag is clear. [FR-001]
        rep movsb

        ; Say that it was appended. [FR-003]
        xor     eax, eax
        ret

        ; Say that it does not fit; out->len is as it was. [FR-003]
.too_long:
        mov     eax, BUFFER_FULL
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
