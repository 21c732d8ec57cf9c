; router: finds what a request asks for
;
;@ int route_find(const struct http_request *req, struct route *found)
;@   in    rdi = req, rsi = found
;@   out   rax
;@   requires \valid_read(req) && \valid(found)
;@   requires req->path.len > 0 && \valid_read(req->path.data + (0 .. req->path.len - 1))
;@   assigns *found
;@   ensures ROUTE_NONE <= \result && \result <= ROUTE_TASK
;@   ensures \result == ROUTE_METHOD ==> valid_read_string(found->allow)
;@   outcome bad_id: \result == ROUTE_BAD_ID
;@   outcome method: \result == ROUTE_METHOD
;@   outcome none: \result == ROUTE_NONE
;@   stack 64

default rel
bits 64

; Length of the path `/health`.
HEALTH_LEN      equ     7
; Length of the prefix `/api/tasks/`.
TASKS_LEN       equ     11

section .rodata

health_path:
        db      "/health"
tasks_prefix:
        db      "/api/tasks/"
allow_read:
        db      "GET, HEAD", 0

section .text align=16

global route_find:function (route_find.end - route_find)
route_find:
        ; Keep both arguments over the calls; [rsp] holds the parsed value.
        push    rbx
        push    r12
        sub     rsp, 8
        mov     r12, rdi                ; r12 = req
        mov     rbx, rsi                ; rbx = found

        ; Nothing is found until it is known otherwise. [FR-005]
        mov     qword [rbx + t_route.id], 0
        mov     qword [rbx + t_route.allow], 0

        ; Compare the whole path with `/health`. [FR-001]
        cmp     qword [r12 + t_http_request.path + t_slice.len], HEALTH_LEN
        jne     .try_task
        mov     rdi, [r12 + t_http_request.path + t_slice.data]
        lea     rsi, [rel health_path]
        mov     edx, HEALTH_LEN
        call    memcmp wrt ..plt
        test    eax, eax
        jnz     .try_task

        ; The health path may only be read. [FR-001]
        mov     eax, [r12 + t_http_request.method]
        cmp     eax, METHOD_GET
        je      .health
        cmp     eax, METHOD_HEAD
        jne     .method
.health:
        mov     eax, ROUTE_HEALTH
        jmp     .done

.try_task:
        ; A task's path is the prefix and at least one byte more. [FR-002]
        cmp     qword [r12 + t_http_request.path + t_slice.len], TASKS_LEN
        jbe     .none
        mov     rdi, [r12 + t_http_request.path + t_slice.data]
        lea     rsi, [rel tasks_prefix]
        mov     edx, TASKS_LEN
        call    memcmp wrt ..plt
        test    eax, eax
        jnz     .none

        ; Take the segment that follows the prefix.
        mov     rdi, [r12 + t_http_request.path + t_slice.data]
        mov     rsi, [r12 + t_http_request.path + t_slice.len]
        add     rdi, TASKS_LEN          ; rdi = segment
        sub     rsi, TASKS_LEN          ; rsi = its length, not 0
        xor     ecx, ecx                ; rcx = index
        xor     edx, edx                ; edx = 1 after a byte that is no digit

.scan_next:
        ; A slash anywhere means a further segment, so no task. [FR-004]
        movzx   eax, byte [rdi + rcx]
        cmp     eax, '/'
        je      .none

        ; Remember a byte that is no decimal digit. [FR-002]
        sub     eax, '0'
        cmp     eax, 9
        jbe     .scan_advance
        mov     edx, 1
.scan_advance:
        inc     rcx
        cmp     rcx, rsi
        jb      .scan_next

        ; The segment must be all digits, whatever the method. [FR-002]
        test    edx, edx
        jnz     .bad_id

.skip_zero:
        ; Leading zeros do not change the value; only zeros make it 0. [FR-002]
        cmp     byte [rdi], '0'
        jne     .parse
        inc     rdi
        dec     rsi
        jnz     .skip_zero
        jmp     .bad_id

.parse:
        ; Parse the digits that are left; too many of them are refused. [FR-002]
        mov     rdx, rsp
        call    u64_parse wrt ..plt
        test    eax, eax
        jnz     .bad_id

        ; As a signed number, 0 and all above the greatest id are <= 0. [FR-002]
        mov     rcx, [rsp]
        test    rcx, rcx
        jle     .bad_id

        ; A task may only be read. [FR-003]
        mov     eax, [r12 + t_http_request.method]
        cmp     eax, METHOD_GET
        je      .task
        cmp     eax, METHOD_HEAD
        jne     .method
.task:
        ; Hand over the id of the task. [FR-003]
        mov     [rbx + t_route.id], rcx
        mov     eax, ROUTE_TASK
        jmp     .done

.method:
        ; Tell which methods the path allows. [FR-001] [FR-003]
        lea     rcx, [rel allow_read]
        mov     [rbx + t_route.allow], rcx
        mov     eax, ROUTE_METHOD
        jmp     .done

.bad_id:
        ; The path names a task by an id that cannot be. [FR-002]
        mov     eax, ROUTE_BAD_ID
        jmp     .done

.none:
        ; Every other path leads nowhere. [FR-004]
        mov     eax, ROUTE_NONE

.done:
        ; Give the caller's registers back.
        add     rsp, 8
        pop     r12
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
