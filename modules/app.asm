; app: from a request to its handler
;
;@ void app_request(struct conn *c, const struct http_request *req)
;@   in    rdi = c, rsi = req
;@   requires c != \null && \valid_read(req)
;@   requires req->path.len > 0 && \valid_read(req->path.data + (0 .. req->path.len - 1))
;@   assigns errno
;@   mutates c
;@   stack 128
;
;@ void app_fail(struct conn *c, int status, const char *allow)
;@   in    rdi = c, rsi = status, rdx = allow
;@   requires allow == \null || valid_read_string(allow)
;@   requires c != \null && (400 <= status && status <= 599)
;@   assigns errno
;@   mutates c
;@   stack 512

default rel
bits 64

; The room for a route on the stack, a multiple of 16.
ROUTE_ROOM      equ     (t_route_size + 15) & -16

; The frame of app_fail: a buffer and the 256 bytes that it describes. [FR-002]
BODY_CAP        equ     256
FRAME_BUFFER    equ     0
FRAME_BODY      equ     (FRAME_BUFFER + t_buffer_size + 15) & -16
FRAME_SIZE      equ     FRAME_BODY + BODY_CAP

; The statuses of answers.
STATUS_BAD_REQUEST equ  400
STATUS_NOT_FOUND equ    404
STATUS_METHOD   equ     405

section .text align=16

; rbx = c; [rsp] is the route. One register and the room make rsp a multiple of 16.
global app_request:function (app_request.end - app_request)
app_request:
        push    rbx
        sub     rsp, ROUTE_ROOM
        mov     rbx, rdi

        ; Find what is asked for. [FR-001]
        mov     rdi, rsi
        mov     rsi, rsp
        call    route_find wrt ..plt

        ; Go to whom the route names; all that have no name here are ROUTE_NONE. [FR-001]
        cmp     eax, ROUTE_TASK
        je      .task
        cmp     eax, ROUTE_HEALTH
        je      .health
        cmp     eax, ROUTE_METHOD
        je      .wrong_method
        cmp     eax, ROUTE_BAD_ID
        je      .bad_id

        ; There is no such path. [FR-001]
        mov     esi, STATUS_NOT_FOUND
        xor     edx, edx                ; allow is null
        jmp     .fail

.task:
        ; Answer with the task of the route's id. [FR-001]
        mov     rdi, rbx
        mov     rsi, [rsp + t_route.id]
        call    tasks_get wrt ..plt
        jmp     .handled

.health:
        ; Answer whether all is well. [FR-001]
        mov     rdi, rbx
        call    health_get wrt ..plt
        jmp     .handled

.wrong_method:
        ; Tell the methods that the path takes. [FR-001]
        mov     esi, STATUS_METHOD
        mov     rdx, [rsp + t_route.allow]
        jmp     .fail

.bad_id:
        ; The path names what cannot be. [FR-001]
        mov     esi, STATUS_BAD_REQUEST
        xor     edx, edx                ; allow is null

.fail:
        ; Answer with the error of esi and rdx. [FR-001]
        mov     rdi, rbx
        call    app_fail

.handled:
        ; Give the caller its register back.
        add     rsp, ROUTE_ROOM
        pop     rbx
        ret
.end:

; rbx = c, ebp = status, r12 = allow. Three registers and the frame make rsp a multiple of 16.
global app_fail:function (app_fail.end - app_fail)
app_fail:
        push    rbx
        push    rbp
        push    r12
        sub     rsp, FRAME_SIZE

        ; Keep the arguments; status is an int.
        mov     rbx, rdi
        mov     ebp, esi
        mov     r12, rdx

        ; Describe the empty body, which lies on this stack. [FR-002]
        lea     rax, [rsp + FRAME_BODY]
        mov     [rsp + FRAME_BUFFER + t_buffer.data], rax
        mov     qword [rsp + FRAME_BUFFER + t_buffer.len], 0
        mov     qword [rsp + FRAME_BUFFER + t_buffer.cap], BODY_CAP

        ; Compose it; one that did not fit would stay empty. [FR-002]
        lea     rdi, [rsp + FRAME_BUFFER]
        mov     esi, ebp
        call    error_body wrt ..plt

        ; Answer with it. [FR-002]
        mov     rdi, rbx
        mov     esi, ebp
        mov     rdx, [rsp + FRAME_BUFFER + t_buffer.data]
        mov     rcx, [rsp + FRAME_BUFFER + t_buffer.len]
        mov     r8, r12
        call    net_answer wrt ..plt

        ; Give the caller its registers back.
        add     rsp, FRAME_SIZE
        pop     r12
        pop     rbp
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
