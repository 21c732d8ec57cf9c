; row_json: a database row as a JSON object
;
;@ int row_json_task(struct buffer *out, const struct pg_result *result, int row)
;@   in    rdi = out, rsi = result, rdx = row
;@   out   rax
;@   requires \valid(out) && out->len <= out->cap
;@   requires \valid(out->data + (0 .. out->cap - 1))
;@   requires result != \null && 0 <= row
;@   assigns out->data[0 .. out->cap - 1], out->len
;@   ensures \result == 0 || \result == BUFFER_FULL
;@   outcome full: \result == BUFFER_FULL
;@   stack 128

default rel
bits 64

; An entry of the table of members: the column, the place of its name in the
; names, the length of its name, and whether its value is a string literal.
MEMBER_COLUMN   equ     0
MEMBER_PLACE    equ     2
MEMBER_LENGTH   equ     4
MEMBER_TEXT     equ     6
MEMBER_SIZE     equ     8

; The length of `null`.
NULL_LEN        equ     4

section .rodata align=8

; The names of the members, one after the other. [FR-001]
names:
name_id:
        db      "id"
name_project_id:
        db      "project_id"
name_title:
        db      "title"
name_description:
        db      "description"
name_status:
        db      "status"
name_position:
        db      "position"
name_assignee_id:
        db      "assignee_id"
name_created_by:
        db      "created_by"
name_version:
        db      "version"
name_created_at:
        db      "created_at"
name_updated_at:
        db      "updated_at"
names_end:

; The other parts of the object.
object_start:
        db      "{"
object_finish:
        db      "}"
null_value:
        db      "null"

        align   8, db 0

; The members in their order; those with 1 at the end are strings. [FR-001] [FR-002]
members:
        dw      TASK_ID, name_id - names, name_project_id - name_id, 0
        dw      TASK_PROJECT_ID, name_project_id - names, name_title - name_project_id, 0
        dw      TASK_TITLE, name_title - names, name_description - name_title, 1
        dw      TASK_DESCRIPTION, name_description - names, name_status - name_description, 1
        dw      TASK_STATUS, name_status - names, name_position - name_status, 1
        dw      TASK_POSITION, name_position - names, name_assignee_id - name_position, 0
        dw      TASK_ASSIGNEE_ID, name_assignee_id - names, name_created_by - name_assignee_id, 0
        dw      TASK_CREATED_BY, name_created_by - names, name_version - name_created_by, 0
        dw      TASK_VERSION, name_version - names, name_created_at - name_version, 0
        dw      TASK_CREATED_AT, name_created_at - names, name_updated_at - name_created_at, 1
        dw      TASK_UPDATED_AT, name_updated_at - names, names_end - name_updated_at, 1
members_end:

section .text align=16

; rbx = out, rbp = result, r12d = row, r13 = the member, r14 = the length at entry,
; r15 = the column's text. Six registers and one free word make rsp a multiple of 16.
global row_json_task:function (row_json_task.end - row_json_task)
row_json_task:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, 8

        ; Keep the arguments, and the length to go back to. [FR-003]
        mov     rbx, rdi
        mov     rbp, rsi
        mov     r12d, edx               ; row is an int
        mov     r14, [rdi + t_buffer.len]

        ; Open the object. [FR-001]
        lea     rsi, [rel object_start]
        mov     edx, 1
        call    json_append wrt ..plt
        test    eax, eax
        jnz     .too_long

        ; Begin with the first member. [FR-001]
        lea     r13, [rel members]

.next_member:
        ; See whether the column is null. [FR-002]
        mov     rdi, rbp
        mov     esi, r12d
        movzx   edx, word [r13 + MEMBER_COLUMN]
        call    PQgetisnull wrt ..plt
        test    eax, eax
        jnz     .null_column

        ; Get the column's text. [FR-002]
        mov     rdi, rbp
        mov     esi, r12d
        movzx   edx, word [r13 + MEMBER_COLUMN]
        call    PQgetvalue wrt ..plt
        mov     r15, rax

        ; Get its length, which is not negative. [FR-002]
        mov     rdi, rbp
        mov     esi, r12d
        movzx   edx, word [r13 + MEMBER_COLUMN]
        call    PQgetlength wrt ..plt
        mov     r8d, eax                ; r8 = length of the text
        mov     rcx, r15                ; rcx = the text

        ; A text becomes a string, the text of a number stays as it is. [FR-002]
        cmp     word [r13 + MEMBER_TEXT], 0
        je      .raw_value

        ; Append the name and the text as a string literal. [FR-001] [FR-002]
        mov     rdi, rbx
        movzx   eax, word [r13 + MEMBER_PLACE]
        lea     rsi, [rel names]
        add     rsi, rax
        movzx   edx, word [r13 + MEMBER_LENGTH]
        call    json_member_string wrt ..plt
        jmp     .appended

.null_column:
        ; The value of a null column is the same for every type. [FR-002]
        lea     rcx, [rel null_value]
        mov     r8d, NULL_LEN

.raw_value:
        ; Append the name and the value as it is. [FR-001] [FR-002]
        mov     rdi, rbx
        movzx   eax, word [r13 + MEMBER_PLACE]
        lea     rsi, [rel names]
        add     rsi, rax
        movzx   edx, word [r13 + MEMBER_LENGTH]
        call    json_member_raw wrt ..plt

.appended:
        ; Give up at the first member that does not fit. [FR-003]
        test    eax, eax
        jnz     .too_long

        ; Go on with the next member. [FR-001]
        add     r13, MEMBER_SIZE
        lea     rax, [rel members_end]
        cmp     r13, rax
        jb      .next_member

        ; Close the object; then the result is 0. [FR-001] [FR-003]
        mov     rdi, rbx
        lea     rsi, [rel object_finish]
        mov     edx, 1
        call    json_append wrt ..plt
        test    eax, eax
        jz      .restore

.too_long:
        ; Take back what was appended, and say that it does not fit. [FR-003]
        mov     [rbx + t_buffer.len], r14
        mov     eax, BUFFER_FULL

.restore:
        ; Give the caller its registers back.
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
