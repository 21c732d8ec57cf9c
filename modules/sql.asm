; sql: the statements that the program prepares

default rel
bits 64

; The strings stand in read-only data [FR-003].
section .rodata

; The name of the statement that tests the connection [FR-001].
health_name:
        db      "health", 0

; The text of the statement that tests the connection [FR-001].
health_text:
        db      "SELECT 1", 0

; The name of the statement that reads one task [FR-002].
task_get_name:
        db      "task_get", 0

; The text of the statement that reads one task, its columns in the order
; of the TASK_ constants [FR-002].
task_get_text:
        db      `SELECT id, project_id, title, description, status, `
        db      `position, assignee_id, created_by, version, `
        db      `to_char(created_at AT TIME ZONE 'UTC', `
        db      `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), `
        db      `to_char(updated_at AT TIME ZONE 'UTC', `
        db      `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') `
        db      `FROM tasks WHERE id = $1::bigint`, 0

; The table holds pointers, so it is read-only only after relocation [FR-003].
section .data.rel.ro write align=8

global sql_statements:data (sql_statements.end - sql_statements)
sql_statements:
; The entry SQL_HEALTH: name, text and no parameter [FR-001].
        dq      health_name
        dq      health_text
        dd      0
; Pad the entry to the size of the structure.
        times   (SQL_HEALTH + 1) * t_sql_statement_size - ($ - sql_statements) db 0
; The entry SQL_TASK_GET: name, text and one parameter [FR-002].
        dq      task_get_name
        dq      task_get_text
        dd      1
; Pad the entry to the size of the structure.
        times   (SQL_TASK_GET + 1) * t_sql_statement_size - ($ - sql_statements) db 0
.end:

; The module has data only and no function.
section .text align=16

section .note.GNU-stack noalloc noexec nowrite progbits
