; health: answers whether the program and its database are there
;
;@ void health_get(struct conn *c)
;@   in    rdi = c
;@   requires c != \null
;@   assigns errno
;@   mutates c
;@   stack 64

default rel
bits 64

; The statuses of HTTP that it answers with.
STATUS_OK               equ     200
STATUS_UNAVAILABLE      equ     503

section .rodata

ok_body:
        db      '{"status":"ok","database":"ok"}'
ok_body_end:
unavailable_body:
        db      '{"status":"ok","database":"unavailable"}'
unavailable_body_end:

section .text align=16

; answer: answers the connection rdi after the result rsi of its query, null if there is none.
answer:
        push    rbx                     ; rsp mod 16 = 0
        mov     rbx, rdi                ; c

        ; For null too the status is one that is not PGRES_TUPLES_OK.
        mov     rdi, rsi
        call    PQresultStatus wrt ..plt
        cmp     eax, PGRES_TUPLES_OK
        jne     .unavailable

        ; The database has answered. [FR-001]
        mov     esi, STATUS_OK
        lea     rdx, [rel ok_body]
        mov     ecx, ok_body_end - ok_body
        jmp     .send

        ; The program is there and its database is not. [FR-002]
.unavailable:
        mov     esi, STATUS_UNAVAILABLE
        lea     rdx, [rel unavailable_body]
        mov     ecx, unavailable_body_end - unavailable_body

        ; No method is told. [FR-003]
.send:
        mov     rdi, rbx
        xor     r8d, r8d                ; allow = null
        call    net_answer wrt ..plt
        pop     rbx
        ret
.end:

global health_get:function (health_get.end - health_get)
health_get:
        push    rbx                     ; rsp mod 16 = 0
        mov     rbx, rdi                ; c

        ; Ask the database; the answer is given when its result comes. [FR-001]
        mov     edi, SQL_HEALTH
        xor     esi, esi                ; values = null
        lea     rdx, [rel answer]
        mov     rcx, rbx                ; context = c
        call    db_query wrt ..plt
        test    eax, eax
        jz      .asked

        ; A query that is refused has no result, now or later. [FR-002]
        mov     rdi, rbx
        xor     esi, esi                ; result = null
        call    answer
.asked:
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
