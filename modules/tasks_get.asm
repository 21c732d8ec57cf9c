; tasks_get: one task
;
;@ void tasks_get(struct conn *c, unsigned long id)
;@   in    rdi = c, rsi = id
;@   requires c != \null && (1 <= id && id <= 9223372036854775807)
;@   assigns errno
;@   mutates c
;@   stack 128

default rel
bits 64

; The bytes that an answer's body may have. [FR-002]
BODY_CAP        equ     131072
; The digits that a 64-bit number may have.
DIGITS_CAP      equ     20

; The frame of tasks_get: a buffer for the digits, the values of the query, and the digits
; with their zero byte. Its size keeps rsp at a multiple of 16 behind one saved register.
FRAME_NUMBER    equ     0
FRAME_VALUES    equ     FRAME_NUMBER + t_buffer_size
FRAME_DIGITS    equ     FRAME_VALUES + 8
FRAME_SIZE      equ     (FRAME_DIGITS + DIGITS_CAP + 1 + 15) & -16

; The frame of task_done: a buffer, and 8 more than a multiple of 16 behind two registers.
DONE_SIZE       equ     ((t_buffer_size + 15) & -16) + 8

; The statuses of answers.
STATUS_OK       equ     200
STATUS_NOT_FOUND equ    404
STATUS_INTERNAL equ     500
STATUS_AWAY     equ     503

section .bss align=16

; The body being composed; net_answer copies it before the next one is. [FR-002]
body:
        resb    BODY_CAP

section .text align=16

; rbx = c.
global tasks_get:function (tasks_get.end - tasks_get)
tasks_get:
        push    rbx
        sub     rsp, FRAME_SIZE
        mov     rbx, rdi

        ; Describe the buffer for the digits.
        lea     rax, [rsp + FRAME_DIGITS]
        mov     [rsp + FRAME_NUMBER + t_buffer.data], rax
        mov     qword [rsp + FRAME_NUMBER + t_buffer.len], 0
        mov     qword [rsp + FRAME_NUMBER + t_buffer.cap], DIGITS_CAP

        ; Write id in decimal, for which there is always room. [FR-001]
        lea     rdi, [rsp + FRAME_NUMBER]
        call    u64_format wrt ..plt

        ; End the digits by a zero byte. [FR-001]
        lea     rax, [rsp + FRAME_DIGITS]
        mov     rcx, [rsp + FRAME_NUMBER + t_buffer.len]
        mov     byte [rax + rcx], 0

        ; They are the only value of the query. [FR-001]
        mov     [rsp + FRAME_VALUES], rax

        ; Queue the query; its result goes to task_done with the connection. [FR-001]
        mov     edi, SQL_TASK_GET
        lea     rsi, [rsp + FRAME_VALUES]
        lea     rdx, [rel task_done]
        mov     rcx, rbx
        call    db_query wrt ..plt
        test    eax, eax
        jz      .queued

        ; A query that is refused will have no result: answer now. [FR-001] [FR-003]
        mov     rdi, rbx
        mov     esi, STATUS_AWAY
        xor     edx, edx                ; allow is null
        call    app_fail wrt ..plt

.queued:
        ; Give the caller its register back.
        add     rsp, FRAME_SIZE
        pop     rbx
        ret
.end:
section .text align=16

; task_done answers with the result of the query:
; rdi = c, rsi = the result, or null where the database is away.
; rbx = c, rbp = the result; [rsp] is a buffer that describes the body.
task_done:
        push    rbx
        push    rbp
        sub     rsp, DONE_SIZE
        mov     rbx, rdi
        mov     rbp, rsi

        ; Without a result the database is away. [FR-002]
        test    rbp, rbp
        jz      .away

        ; The result must be one of rows. [FR-002]
        mov     rdi, rbp
        call    PQresultStatus wrt ..plt
        cmp     eax, PGRES_TUPLES_OK
        jne     .refused

        ; Without a row there is no such task. [FR-002]
        mov     rdi, rbp
        call    PQntuples wrt ..plt
        test    eax, eax
        jz      .missing

        ; Describe the empty body. [FR-002]
        lea     rax, [rel body]
        mov     [rsp + t_buffer.data], rax
        mov     qword [rsp + t_buffer.len], 0
        mov     qword [rsp + t_buffer.cap], BODY_CAP

        ; Compose it of row 0. [FR-002]
        mov     rdi, rsp
        mov     rsi, rbp
        xor     edx, edx
        call    row_json_task wrt ..plt
        test    eax, eax
        jnz     .unexpected             ; it does not fit

        ; Answer with the task. [FR-002] [FR-003]
        mov     rdi, rbx
        mov     esi, STATUS_OK
        mov     rdx, [rsp + t_buffer.data]
        mov     rcx, [rsp + t_buffer.len]
        xor     r8d, r8d                ; allow is null
        call    net_answer wrt ..plt
        jmp     .answered

.refused:
        ; Ask for the SQLSTATE, which the result may lack. [FR-002]
        mov     rdi, rbp
        mov     esi, PG_DIAG_SQLSTATE
        call    PQresultErrorField wrt ..plt
        test    rax, rax
        jz      .unexpected

        ; One that begins with 57P tells that the server is being shut down or is not
        ; ready yet; no byte behind the end of a shorter one is read. [FR-002]
        cmp     byte [rax], '5'
        jne     .unexpected
        cmp     byte [rax + 1], '7'
        jne     .unexpected
        cmp     byte [rax + 2], 'P'
        jne     .unexpected

.away:
        ; The database cannot be asked now. [FR-002]
        mov     esi, STATUS_AWAY
        jmp     .fail

.unexpected:
        ; The query failed, or the body does not fit. [FR-002]
        mov     esi, STATUS_INTERNAL
        jmp     .fail

.missing:
        ; There is no such task. [FR-002]
        mov     esi, STATUS_NOT_FOUND

.fail:
        ; Answer with an error of the status in esi. [FR-002] [FR-003]
        mov     rdi, rbx
        xor     edx, edx                ; allow is null
        call    app_fail wrt ..plt

.answered:
        ; Give the caller its registers back.
        add     rsp, DONE_SIZE
        pop     rbp
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
