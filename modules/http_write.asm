; http_write: appends an HTTP/1.1 answer to a buffer
;
;@ int http_answer(struct buffer *out, int status, const char *body, unsigned long n, int flags, const char *allow)
;@   in    rdi = out, rsi = status, rdx = body, rcx = n, r8 = flags, r9 = allow
;@   out   rax
;@   requires 0 <= flags && flags <= 3
;@   requires 100 <= status && status <= 599
;@   requires \valid(out) && out->len <= out->cap
;@   requires \valid(out->data + (0 .. out->cap - 1))
;@   requires allow == \null || valid_read_string(allow)
;@   requires n == 0 || \valid_read(body + (0 .. n - 1))
;@   assigns out->data[0 .. out->cap - 1], out->len
;@   ensures \result == 0 || \result == BUFFER_FULL
;@   outcome full: \result == BUFFER_FULL
;@   stack 192

default rel
bits 64

; The statuses that have rules of their own.
STATUS_CONTINUE equ     100
STATUS_NO_CONTENT equ   204

; An entry of the table of reasons: status, place in the texts, length.
REASON_STATUS   equ     0
REASON_PLACE    equ     2
REASON_LENGTH   equ     4
REASON_SIZE     equ     6

section .rodata align=8

; The texts that follow the digits of the status, up to the end of the line. [FR-001]
texts:
text_100:
        db      " Continue", 13, 10
text_200:
        db      " OK", 13, 10
text_201:
        db      " Created", 13, 10
text_204:
        db      " No Content", 13, 10
text_400:
        db      " Bad Request", 13, 10
text_401:
        db      " Unauthorized", 13, 10
text_403:
        db      " Forbidden", 13, 10
text_404:
        db      " Not Found", 13, 10
text_405:
        db      " Method Not Allowed", 13, 10
text_409:
        db      " Conflict", 13, 10
text_413:
        db      " Content Too Large", 13, 10
text_414:
        db      " URI Too Long", 13, 10
text_415:
        db      " Unsupported Media Type", 13, 10
text_417:
        db      " Expectation Failed", 13, 10
text_422:
        db      " Unprocessable Content", 13, 10
text_431:
        db      " Request Header Fields Too Large", 13, 10
text_500:
        db      " Internal Server Error", 13, 10
text_501:
        db      " Not Implemented", 13, 10
text_503:
        db      " Service Unavailable", 13, 10
text_505:
        db      " HTTP Version Not Supported", 13, 10
text_unknown:
        db      " Unknown", 13, 10
texts_end:

; The other parts of an answer's head.
line_start:
        db      "HTTP/1.1 "
line_start_end:
content_fields:
        db      "Content-Type: application/json", 13, 10
        db      "Content-Length: "
content_fields_end:
allow_field:
        db      "Allow: "
allow_field_end:
close_field:
        db      "Connection: close", 13, 10
close_field_end:
line_break:
        db      13, 10
line_break_end:

        align   8, db 0

; The table of reasons; the entry of status 0 ends it and serves all others. [FR-001]
reasons:
        dw      100, text_100 - texts, text_200 - text_100
        dw      200, text_200 - texts, text_201 - text_200
        dw      201, text_201 - texts, text_204 - text_201
        dw      204, text_204 - texts, text_400 - text_204
        dw      400, text_400 - texts, text_401 - text_400
        dw      401, text_401 - texts, text_403 - text_401
        dw      403, text_403 - texts, text_404 - text_403
        dw      404, text_404 - texts, text_405 - text_404
        dw      405, text_405 - texts, text_409 - text_405
        dw      409, text_409 - texts, text_413 - text_409
        dw      413, text_413 - texts, text_414 - text_413
        dw      414, text_414 - texts, text_415 - text_414
        dw      415, text_415 - texts, text_417 - text_415
        dw      417, text_417 - texts, text_422 - text_417
        dw      422, text_422 - texts, text_431 - text_422
        dw      431, text_431 - texts, text_500 - text_431
        dw      500, text_500 - texts, text_501 - text_500
        dw      501, text_501 - texts, text_503 - text_501
        dw      503, text_503 - texts, text_505 - text_503
        dw      505, text_505 - texts, text_unknown - text_505
        dw      0, text_unknown - texts, texts_end - text_unknown

section .text align=16

; put_bytes appends rdx bytes at rsi to the buffer rdi: 0 or BUFFER_FULL in eax.
put_bytes:
        ; The bytes must fit into what is free; nothing is written otherwise. [FR-005]
        mov     rcx, [rdi + t_buffer.cap]
        sub     rcx, [rdi + t_buffer.len]
        cmp     rdx, rcx
        ja      .too_long

        ; Copy the bytes behind those that the buffer holds.
        mov     r8, rdi
        mov     rdi, [r8 + t_buffer.data]
        add     rdi, [r8 + t_buffer.len]
        mov     rcx, rdx
        rep movsb

        ; Count them.
        add     [r8 + t_buffer.len], rdx
        xor     eax, eax
        ret

        ; Tell that they do not fit.
.too_long:
        mov     eax, BUFFER_FULL
        ret
.end:

global http_answer:function (http_answer.end - http_answer)
http_answer:
        ; Save the caller's registers; the free word aligns the stack.
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, 8

        ; Keep the arguments over the calls.
        mov     rbx, rdi                ; out
        mov     ebp, esi                ; status
        mov     r12, rdx                ; body
        mov     r13, rcx                ; n
        mov     r14d, r8d               ; flags
        mov     r15, r9                 ; allow

        ; Keep the length at entry for the case that not all fits. [FR-005]
        mov     rax, [rbx + t_buffer.len]
        mov     [rsp], rax

        ; Begin the status line with the version and a blank. [FR-001]
        mov     rdi, rbx
        lea     rsi, [rel line_start]
        mov     edx, line_start_end - line_start
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; Append the status, which has three digits. [FR-001]
        mov     rdi, rbx
        mov     esi, ebp
        call    u64_format wrt ..plt
        test    eax, eax
        jnz     .full

        ; Look for the status in the table, up to the entry of all others. [FR-001]
        lea     rcx, [rel reasons]
.next_reason:
        movzx   eax, word [rcx + REASON_STATUS]
        cmp     eax, ebp
        je      .reason_found
        test    eax, eax
        jz      .reason_found
        add     rcx, REASON_SIZE
        jmp     .next_reason

        ; Append the blank, the reason and the end of the line. [FR-001]
.reason_found:
        movzx   eax, word [rcx + REASON_PLACE]
        movzx   edx, word [rcx + REASON_LENGTH]
        lea     rsi, [rel texts]
        add     rsi, rax
        mov     rdi, rbx
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; Status 100 has no fields, status 204 none about a content. [FR-002]
        cmp     ebp, STATUS_CONTINUE
        je      .empty_line
        cmp     ebp, STATUS_NO_CONTENT
        je      .allow_line

        ; Append the type of the content and the name of its length. [FR-002]
        mov     rdi, rbx
        lea     rsi, [rel content_fields]
        mov     edx, content_fields_end - content_fields
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; Append the length in decimal. [FR-002]
        mov     rdi, rbx
        mov     rsi, r13
        call    u64_format wrt ..plt
        test    eax, eax
        jnz     .full

        ; End the line of the length. [FR-002]
        mov     rdi, rbx
        lea     rsi, [rel line_break]
        mov     edx, line_break_end - line_break
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; Without a text of allow there is no such line. [FR-003]
.allow_line:
        test    r15, r15
        jz      .close_line

        ; Append the name of the field. [FR-003]
        mov     rdi, rbx
        lea     rsi, [rel allow_field]
        mov     edx, allow_field_end - allow_field
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; Append the text of allow. [FR-003]
        mov     rdi, r15
        call    strlen wrt ..plt
        mov     rdi, rbx
        mov     rsi, r15
        mov     rdx, rax
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; End the line of allow. [FR-003]
        mov     rdi, rbx
        lea     rsi, [rel line_break]
        mov     edx, line_break_end - line_break
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; Append the line that announces the close if it is wanted. [FR-003]
.close_line:
        test    r14d, ANSWER_CLOSE
        jz      .empty_line
        mov     rdi, rbx
        lea     rsi, [rel close_field]
        mov     edx, close_field_end - close_field
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; Append the empty line that ends the head. [FR-002] [FR-003]
.empty_line:
        mov     rdi, rbx
        lea     rsi, [rel line_break]
        mov     edx, line_break_end - line_break
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; Statuses 100 and 204 and an answer to HEAD have no body. [FR-004]
        cmp     ebp, STATUS_CONTINUE
        je      .complete
        cmp     ebp, STATUS_NO_CONTENT
        je      .complete
        test    r14d, ANSWER_HEAD
        jnz     .complete

        ; Append the body. [FR-004]
        mov     rdi, rbx
        mov     rsi, r12
        mov     rdx, r13
        call    put_bytes
        test    eax, eax
        jnz     .full

        ; All of the answer is in the buffer. [FR-005]
.complete:
        xor     eax, eax
        jmp     .leave_now

        ; Not all fits: give the buffer its length at entry again. [FR-005]
.full:
        mov     rax, [rsp]
        mov     [rbx + t_buffer.len], rax
        mov     eax, BUFFER_FULL

        ; Restore the caller's registers.
.leave_now:
        add     rsp, 8
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
