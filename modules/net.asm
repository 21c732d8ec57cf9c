; net: the event loop, the clients' connections and their timeouts
;
;@ int net_open(unsigned int port)
;@   in    rdi = port
;@   out   rax
;@   requires 1 <= port && port <= 65535
;@   assigns errno
;@   ensures \result == 0 || \result == -1
;@   outcome failed: \result == -1
;@   stack 128
;
;@ int net_watch(int fd, unsigned int events, unsigned long tag)
;@   in    rdi = fd, rsi = events, rdx = tag
;@   out   rax
;@   requires fd >= 0 && tag >= NET_TAG_DATABASE
;@   assigns errno
;@   ensures \result == 0 || \result == -1
;@   outcome failed: \result == -1
;@   stack 64
;
;@ void net_answer(struct conn *c, int status, const char *body, unsigned long n, const char *allow)
;@   in    rdi = c, rsi = status, rdx = body, rcx = n, r8 = allow
;@   requires allow == \null || valid_read_string(allow)
;@   requires c != \null && (200 <= status && status <= 599)
;@   requires n == 0 || \valid_read(body + (0 .. n - 1))
;@   assigns errno
;@   mutates c
;@   stack 128
;
;@ int net_run(void)
;@   out   rax
;@   assigns errno
;@   ensures \result == 0 || \result == 1
;@   outcome failed: \result == 1
;@   stack 4096

default rel
bits 64

; Sizes of a slot's buffers in bytes; the input holds a head, a body and a line break. [FR-001]
INPUT_SIZE      equ     73732
OUTPUT_SIZE     equ     262144

; What a slot is; each is an index of events_by_state. [FR-001]
STATE_FREE      equ     0
STATE_READING   equ     1
STATE_WAITING   equ     2               ; for net_answer
STATE_SENDING   equ     3
STATE_LINGERING equ     4               ; after a refusal was sent

; The value of conn.closing after a refusal; it is neither 0 nor ANSWER_CLOSE. [FR-007]
CLOSING_LINGERS equ     -1

; The tag of the listening socket; that of slot i is i + 1. [FR-001]
TAG_LISTEN      equ     0

; The address 127.0.0.1 as four bytes in network order. [FR-002]
LOOPBACK        equ     0x0100007f
BACKLOG         equ     511

; What one turn of the loop takes from epoll_wait, and how long it waits in ms. [FR-004]
EVENTS_MAX      equ     64
TURN_MS         equ     100

; How long the slots' times are left alone in ms; with a turn that is less than 200. [FR-011]
CHECK_MS        equ     80

; How long a client may do nothing or linger, and the program take to end, in ms. [FR-010] [FR-011]
IDLE_MS         equ     10000
LINGER_MS       equ     2000
DRAIN_MS        equ     5000

; Statuses that net gives itself. [FR-007] [FR-008]
STATUS_CONTINUE equ     100
STATUS_INTERNAL equ     500

; Units of time.
MS_PER_S        equ     1000
NS_PER_MS       equ     1000000

; SIG_IGN of the C library, and what stands for a descriptor that is closed.
SIGNAL_IGNORED  equ     1
NO_FD           equ     -1

; The frame of process: a buffer, the bytes that it describes, and the status of a refusal. [FR-007]
REFUSAL_SIZE    equ     256
REFUSAL_BYTES   equ     t_buffer_size
REFUSAL_STATUS  equ     t_buffer_size + REFUSAL_SIZE
REFUSAL_FRAME   equ     288             ; t_buffer_size + REFUSAL_SIZE + 8, a multiple of 16

; A slot for a client's connection. [FR-001]
struc conn
.fd:            resd    1               ; NO_FD while waiting: the client was closed [FR-012]
.state:         resd    1               ; STATE_*
.watched:       resd    1               ; the events that epoll watches it for
.closing:       resd    1               ; not 0: the answer had ANSWER_CLOSE; or CLOSING_LINGERS
.continued:     resd    1               ; 1: status 100 was sent for the request in the input
.driven:        resd    1               ; 1: drive is at work on it, further up the stack
.tag:           resq    1
.since:         resq    1               ; ms: when its last byte came or went, or it began to linger
.taken:         resq    1               ; bytes of the input that the request takes up
.held:          resq    1               ; bytes in the input
.sent:          resq    1               ; bytes of the output that are sent
.output:        resb    t_buffer_size
.request:       resb    t_http_request_size
.input_bytes:   resb    INPUT_SIZE
.unused:        resb    4               ; slots begin at multiples of 8
.output_bytes:  resb    OUTPUT_SIZE
endstruc

section .rodata align=4

; What a connection is watched for in each state. [FR-005] [FR-009] [FR-012] [FR-013]
events_by_state:
        dd      0, EPOLLIN, EPOLLIN, EPOLLOUT, EPOLLIN
; The value that switches an option of a socket on.
option_on:
        dd      1
option_on_end:

section .data align=4

epoll_fd:
        dd      NO_FD
listen_fd:
        dd      NO_FD

section .bss align=64

slots:
        resb    NET_CONNECTIONS * conn_size
used:
        resq    1                       ; slots that are not free
now_ms:
        resq    1                       ; CLOCK_MONOTONIC at the last wake-up
checked_ms:
        resq    1                       ; when the slots' times were last looked at
ending_ms:
        resq    1                       ; when the listening socket was closed
ending:
        resd    1                       ; 1: SIGTERM or SIGINT came
listen_paused:
        resd    1                       ; 1: the listening socket is watched for no events

section .text align=16

; on_signal is the handler of SIGTERM and SIGINT; it does nothing but tell. [FR-004]
on_signal:
        mov     dword [rel ending], 1
        ret
.end:

; read_clock sets now_ms.
read_clock:
        sub     rsp, 8 + t_timespec_size

        ; Should the clock fail, the time stays what it was.
        mov     edi, CLOCK_MONOTONIC
        mov     rsi, rsp
        call    clock_gettime wrt ..plt
        test    eax, eax
        jnz     .done

        ; Milliseconds are enough.
        mov     rax, [rsp + t_timespec.tv_nsec]
        xor     edx, edx
        mov     ecx, NS_PER_MS
        div     rcx
        imul    rcx, [rsp + t_timespec.tv_sec], MS_PER_S
        add     rax, rcx
        mov     [rel now_ms], rax
.done:
        add     rsp, 8 + t_timespec_size
        ret
.end:

; close_fd closes the descriptor at [rdi], if there is one, and puts NO_FD in its place.
close_fd:
        sub     rsp, 8
        mov     eax, [rdi]
        mov     dword [rdi], NO_FD
        cmp     eax, NO_FD
        je      .done
        mov     edi, eax
        call    close wrt ..plt
.done:
        add     rsp, 8
        ret
.end:

; watch has epoll watch descriptor edi for the events esi with the tag rdx: 0 or -1 in eax.
watch:
        ; [rsp] is the event.
        push    rbx
        sub     rsp, 16
        mov     ebx, edi
        mov     [rsp + t_epoll_event.events], esi
        mov     [rsp + t_epoll_event.data + t_epoll_data.u64], rdx

        ; Most descriptors are watched already. [FR-003]
        mov     edi, [rel epoll_fd]
        mov     esi, EPOLL_CTL_MOD
        mov     edx, ebx
        mov     rcx, rsp
        call    epoll_ctl wrt ..plt
        test    eax, eax
        jz      .done

        ; Others are new, or were closed and opened again. [FR-003]
        mov     edi, [rel epoll_fd]
        mov     esi, EPOLL_CTL_ADD
        mov     edx, ebx
        mov     rcx, rsp
        call    epoll_ctl wrt ..plt
.done:
        add     rsp, 16
        pop     rbx
        ret
.end:

; watch_conn has connection rdi watched for the events esi.
watch_conn:
        sub     rsp, 8

        ; Nothing is to be done if it is watched for them already. [FR-012]
        cmp     esi, [rdi + conn.watched]
        je      .done

        ; Change the events, and remember them. [FR-012]
        mov     [rdi + conn.watched], esi
        mov     rdx, [rdi + conn.tag]
        mov     edi, [rdi + conn.fd]
        call    watch
.done:
        add     rsp, 8
        ret
.end:

; close_conn closes connection rdi, which is reading, sending or lingering. [FR-012]
close_conn:
        sub     rsp, 8
        mov     dword [rdi + conn.state], STATE_FREE
        dec     qword [rel used]
        add     rdi, conn.fd
        call    close_fd                ; which also ends the watch
        add     rsp, 8
        ret
.end:

; compose puts an answer of connection rdi into its output and takes the request out of its input:
; status esi, body rdx of rcx bytes, flags r8d, allow r9. The connection is sending then.
compose:
        push    rbx
        push    r12
        sub     rsp, 8
        mov     rbx, rdi                ; c
        mov     r12d, r8d               ; flags

        ; Append the answer; the other arguments are where they must be. [FR-008]
        lea     rdi, [rbx + conn.output]
        call    http_answer wrt ..plt
        test    eax, eax
        jz      .composed

        ; It does not fit: say so instead, which fits into an output of that size. [FR-008]
        or      r12d, ANSWER_CLOSE
        lea     rdi, [rbx + conn.output]
        mov     esi, STATUS_INTERNAL
        xor     edx, edx
        xor     ecx, ecx
        mov     r8d, r12d
        xor     r9d, r9d
        call    http_answer wrt ..plt

.composed:
        ; Remember whether this answer is the last one.
        and     r12d, ANSWER_CLOSE
        mov     [rbx + conn.closing], r12d

        ; Take the request out of the input; what follows it moves to the front. [FR-008]
        lea     rdi, [rbx + conn.input_bytes]
        mov     rsi, rdi
        add     rsi, [rbx + conn.taken]
        mov     rdx, [rbx + conn.held]
        sub     rdx, [rbx + conn.taken]
        mov     [rbx + conn.held], rdx
        call    memmove wrt ..plt

        ; Now it is time to send.
        mov     dword [rbx + conn.continued], 0
        mov     dword [rbx + conn.state], STATE_SENDING
        mov     rax, [rel now_ms]
        mov     [rbx + conn.since], rax
        add     rsp, 8
        pop     r12
        pop     rbx
        ret
.end:

; process looks for one request in the input of connection rdi, which is reading. If it still is
; reading afterwards, more input is needed; else it is waiting or sending. [FR-007]
process:
        push    rbx
        sub     rsp, REFUSAL_FRAME      ; rsp = 0 mod 16
        mov     rbx, rdi

        ; Read the input. Half a head says nothing of these fields, so they are cleared first.
        lea     rdi, [rbx + conn.input_bytes]
        mov     rsi, [rbx + conn.held]
        lea     rdx, [rbx + conn.request]
        mov     dword [rdx + t_http_request.method], METHOD_OTHER
        mov     dword [rdx + t_http_request.expects_continue], 0
        mov     dword [rdx + t_http_request.has_body], 0
        call    http_parse wrt ..plt
        cmp     rax, HTTP_INCOMPLETE
        je      .incomplete
        jl      .refused

        ; A request: hand it on. Its bytes stay in the input until it is answered. [FR-007]
        mov     [rbx + conn.taken], rax
        mov     dword [rbx + conn.state], STATE_WAITING
        mov     rdi, rbx
        lea     rsi, [rbx + conn.request]
        call    app_request wrt ..plt
        jmp     .done

.refused:
        ; Compose the body of the refusal on the stack; it stays empty if it does not fit. [FR-007]
        neg     eax
        mov     [rsp + REFUSAL_STATUS], eax
        lea     rcx, [rsp + REFUSAL_BYTES]
        mov     [rsp + t_buffer.data], rcx
        mov     qword [rsp + t_buffer.len], 0
        mov     qword [rsp + t_buffer.cap], REFUSAL_SIZE
        mov     rdi, rsp
        mov     esi, eax
        call    error_body wrt ..plt

        ; An answer to HEAD announces its body only, if the method was understood. [FR-008]
        mov     r8d, ANSWER_CLOSE
        cmp     dword [rbx + conn.request + t_http_request.method], METHOD_HEAD
        jne     .any_method
        or      r8d, ANSWER_HEAD
.any_method:
        ; Answer with the status. Nobody knows where a next request would begin. [FR-007]
        mov     rdi, rbx
        mov     esi, [rsp + REFUSAL_STATUS]
        lea     rdx, [rsp + REFUSAL_BYTES]
        mov     rcx, [rsp + t_buffer.len]
        xor     r9d, r9d
        mov     rax, [rbx + conn.held]
        mov     [rbx + conn.taken], rax
        call    compose

        ; The client may still be sending what was refused. [FR-007] [FR-013]
        mov     dword [rbx + conn.closing], CLOSING_LINGERS
        jmp     .done

.incomplete:
        ; Tell a client that waits with its body to go on, once for a request. [FR-007]
        cmp     dword [rbx + conn.request + t_http_request.expects_continue], 1
        jne     .done
        cmp     dword [rbx + conn.request + t_http_request.has_body], 1
        jne     .done
        cmp     dword [rbx + conn.continued], 0
        jne     .done
        mov     dword [rbx + conn.continued], 1
        lea     rdi, [rbx + conn.output]
        mov     esi, STATUS_CONTINUE
        xor     edx, edx
        xor     ecx, ecx
        xor     r8d, r8d
        xor     r9d, r9d
        call    http_answer wrt ..plt

        ; When that is sent, the connection goes on reading.
        mov     dword [rbx + conn.state], STATE_SENDING
.done:
        add     rsp, REFUSAL_FRAME
        pop     rbx
        ret
.end:

; transmit sends what is left of the output of connection rdi, which is sending. Afterwards it is
; reading or lingering if all was sent, still sending if the client takes no more now, or free.
; [FR-009]
transmit:
        push    rbx
        mov     rbx, rdi

.send_rest:
        ; Is there anything left?
        mov     rsi, [rbx + conn.output + t_buffer.data]
        add     rsi, [rbx + conn.sent]
        mov     rdx, [rbx + conn.output + t_buffer.len]
        sub     rdx, [rbx + conn.sent]
        jz      .all_sent

        ; Send as much as is taken, and repeat. [FR-009]
        mov     edi, [rbx + conn.fd]
        mov     ecx, MSG_NOSIGNAL
        call    send wrt ..plt
        test    rax, rax
        js      .not_taken
        jz      .done
        add     [rbx + conn.sent], rax
        mov     rax, [rel now_ms]
        mov     [rbx + conn.since], rax
        jmp     .send_rest

.not_taken:
        ; The rest must wait for EPOLLOUT, unless the client is lost. [FR-009]
        call    __errno_location wrt ..plt
        cmp     dword [rax], EAGAIN
        je      .done
        jmp     .over

.all_sent:
        ; After the last answer the connection is closed or lingers, after others it reads on.
        ; [FR-009]
        cmp     dword [rbx + conn.closing], CLOSING_LINGERS
        je      .refusal_sent
        cmp     dword [rbx + conn.closing], 0
        jne     .over
        mov     qword [rbx + conn.output + t_buffer.len], 0
        mov     qword [rbx + conn.sent], 0
        mov     dword [rbx + conn.state], STATE_READING
        jmp     .done

.refusal_sent:
        ; Tell the client that nothing follows, and take what it is still sending. If this call
        ; fails, the next recv tells why. [FR-013]
        mov     edi, [rbx + conn.fd]
        mov     esi, SHUT_WR
        call    shutdown wrt ..plt
        mov     dword [rbx + conn.state], STATE_LINGERING
        mov     rax, [rel now_ms]
        mov     [rbx + conn.since], rax
        jmp     .done

.over:
        mov     rdi, rbx
        call    close_conn
.done:
        pop     rbx
        ret
.end:

; drive brings connection rdi, which is reading or sending, as far as it comes now: request after
; request in this one loop, so that the stack does not grow with their number. [FR-009]
drive:
        push    rbx
        mov     rbx, rdi

        ; Meanwhile net_answer leaves the sending to this loop. [FR-009]
        mov     dword [rbx + conn.driven], 1
        cmp     dword [rbx + conn.state], STATE_READING
        je      .process_next

.send_answer:
        ; Go on only when all is sent and more has come already. [FR-009]
        mov     rdi, rbx
        call    transmit
        cmp     dword [rbx + conn.state], STATE_READING
        jne     .stopped
        cmp     qword [rbx + conn.held], 0
        je      .stopped

.process_next:
        ; Whatever was answered at once is sent at once.
        mov     rdi, rbx
        call    process
        cmp     dword [rbx + conn.state], STATE_SENDING
        je      .send_answer

.stopped:
        ; Have epoll tell when it goes on. A refusal of epoll ends in a timeout. [FR-011] [FR-012]
        mov     dword [rbx + conn.driven], 0
        mov     ecx, [rbx + conn.state]
        cmp     ecx, STATE_FREE
        je      .done
        lea     rdx, [rel events_by_state]
        mov     esi, [rdx + rcx * 4]
        mov     rdi, rbx
        call    watch_conn
.done:
        pop     rbx
        ret
.end:

; receive takes what has come for connection rdi, which is reading. [FR-006]
receive:
        push    rbx
        mov     rbx, rdi

        ; One call, into all the room that is left. [FR-006]
        mov     edi, [rbx + conn.fd]
        lea     rsi, [rbx + conn.input_bytes]
        add     rsi, [rbx + conn.held]
        mov     edx, INPUT_SIZE
        sub     rdx, [rbx + conn.held]
        xor     ecx, ecx
        call    recv wrt ..plt
        test    rax, rax
        jz      .over
        js      .nothing_came

        ; Count the bytes, and note when they came.
        add     [rbx + conn.held], rax
        mov     rax, [rel now_ms]
        mov     [rbx + conn.since], rax
.look:
        mov     rdi, rbx
        call    drive
        jmp     .done

.nothing_came:
        ; Two errors say only that there was nothing after all. [FR-006]
        call    __errno_location wrt ..plt
        cmp     dword [rax], EAGAIN
        je      .look
        cmp     dword [rax], EINTR
        je      .look
.over:
        mov     rdi, rbx
        call    close_conn
.done:
        pop     rbx
        ret
.end:

; discard takes what has come for connection rdi, which is lingering, and forgets it. [FR-013]
discard:
        push    rbx
        mov     rbx, rdi

        ; One call, into the input from its beginning; nobody needs what was there. [FR-013]
        mov     edi, [rbx + conn.fd]
        lea     rsi, [rbx + conn.input_bytes]
        mov     edx, INPUT_SIZE
        xor     ecx, ecx
        call    recv wrt ..plt
        test    rax, rax
        jz      .over
        jns     .done

        ; Two errors say only that there was nothing after all. [FR-013]
        call    __errno_location wrt ..plt
        cmp     dword [rax], EAGAIN
        je      .done
        cmp     dword [rax], EINTR
        je      .done
.over:
        mov     rdi, rbx
        call    close_conn
.done:
        pop     rbx
        ret
.end:

; ready handles the events esi of connection rdi.
ready:
        sub     rsp, 8
        mov     eax, [rdi + conn.state]
        cmp     eax, STATE_READING
        je      .reading
        cmp     eax, STATE_SENDING
        je      .sending
        cmp     eax, STATE_LINGERING
        je      .lingering
        cmp     eax, STATE_WAITING
        jne     .done

        ; More input of a waiting connection has to wait too: epoll shall not tell of it again and
        ; again. [FR-012]
        test    esi, EPOLLERR | EPOLLHUP
        jnz     .client_gone
        test    esi, EPOLLIN
        jz      .done
        xor     esi, esi
        call    watch_conn
        jmp     .done
.client_gone:
        ; The client of a waiting connection went away: its slot waits for the answer. [FR-012]
        add     rdi, conn.fd
        call    close_fd
        jmp     .done
.reading:
        call    receive
        jmp     .done
.lingering:
        call    discard
        jmp     .done
.sending:
        call    drive
.done:
        add     rsp, 8
        ret
.end:

; accept_all takes all clients that wait at the listening socket. [FR-005]
accept_all:
        ; [rsp] is the event that a new client is watched with.
        push    rbx
        push    r12
        push    r13
        sub     rsp, 16

.next_client:
        ; Until accept fails. [FR-005]
        mov     edi, [rel listen_fd]
        xor     esi, esi
        xor     edx, edx
        call    accept wrt ..plt
        test    eax, eax
        js      .none_accepted
        mov     r12d, eax               ; the client's descriptor

        ; Look for a free slot.
        lea     rbx, [rel slots]
        mov     r13d, TAG_LISTEN + 1    ; the slot's tag
.next_slot:
        cmp     dword [rbx + conn.state], STATE_FREE
        je      .slot_found
        add     rbx, conn_size
        inc     r13d
        cmp     r13d, NET_CONNECTIONS
        jbe     .next_slot
        jmp     .turned_away            ; [FR-005]

.slot_found:
        ; No call on the client may wait. [FR-005]
        mov     edi, r12d
        mov     esi, F_SETFL
        mov     edx, O_NONBLOCK
        xor     eax, eax
        call    fcntl wrt ..plt
        test    eax, eax
        js      .turned_away

        ; Its answers go out as they come. [FR-005]
        mov     edi, r12d
        mov     esi, IPPROTO_TCP
        mov     edx, TCP_NODELAY
        lea     rcx, [rel option_on]
        mov     r8d, option_on_end - option_on
        call    setsockopt wrt ..plt
        test    eax, eax
        js      .turned_away

        ; The slot is reading, with empty buffers. [FR-005]
        mov     [rbx + conn.fd], r12d
        mov     dword [rbx + conn.state], STATE_READING
        mov     dword [rbx + conn.watched], EPOLLIN
        mov     dword [rbx + conn.closing], 0
        mov     dword [rbx + conn.continued], 0
        mov     dword [rbx + conn.driven], 0
        mov     [rbx + conn.tag], r13
        mov     rax, [rel now_ms]
        mov     [rbx + conn.since], rax
        xor     eax, eax
        mov     [rbx + conn.taken], rax
        mov     [rbx + conn.held], rax
        mov     [rbx + conn.sent], rax
        mov     [rbx + conn.output + t_buffer.len], rax
        mov     qword [rbx + conn.output + t_buffer.cap], OUTPUT_SIZE
        lea     rax, [rbx + conn.output_bytes]
        mov     [rbx + conn.output + t_buffer.data], rax
        inc     qword [rel used]

        ; Watch it for its first bytes; epoll does not know its descriptor yet. [FR-005] [FR-012]
        mov     dword [rsp + t_epoll_event.events], EPOLLIN
        mov     [rsp + t_epoll_event.data + t_epoll_data.u64], r13
        mov     edi, [rel epoll_fd]
        mov     esi, EPOLL_CTL_ADD
        mov     edx, r12d
        mov     rcx, rsp
        call    epoll_ctl wrt ..plt
        test    eax, eax
        jz      .next_client
        mov     rdi, rbx
        call    close_conn
        jmp     .next_client

.turned_away:
        ; There is no place for this client. [FR-005]
        mov     edi, r12d
        call    close wrt ..plt
        jmp     .next_client

.none_accepted:
        ; Is it that the system has no room for a client that waits? [FR-005]
        call    __errno_location wrt ..plt
        mov     eax, [rax]
        cmp     eax, EMFILE
        je      .exhausted
        cmp     eax, ENFILE
        je      .exhausted
        cmp     eax, ENOBUFS
        je      .exhausted
        cmp     eax, ENOMEM
        jne     .done

.exhausted:
        ; Then that client would wake the loop at once again: leave it alone for a while. [FR-005]
        mov     edi, [rel listen_fd]
        xor     esi, esi
        mov     edx, TAG_LISTEN
        call    watch
        test    eax, eax
        jnz     .done
        mov     dword [rel listen_paused], 1
.done:
        add     rsp, 16
        pop     r13
        pop     r12
        pop     rbx
        ret
.end:

; check_times closes the connections whose time is up, and while the program ends those that have
; asked for nothing or linger. [FR-010] [FR-011]
check_times:
        push    rbx
        push    r12
        sub     rsp, 8
        lea     rbx, [rel slots]
        mov     r12d, NET_CONNECTIONS

.next_slot:
        ; Only reading, sending and lingering connections can be late. [FR-011]
        mov     edx, IDLE_MS            ; the time that it has
        mov     ecx, [rbx + conn.state]
        cmp     ecx, STATE_SENDING
        je      .measure
        cmp     ecx, STATE_READING
        je      .reading
        cmp     ecx, STATE_LINGERING
        jne     .kept

        ; A lingering one has less time, and none while the program ends. [FR-010] [FR-011]
        mov     edx, LINGER_MS
        cmp     dword [rel ending], 0
        je      .measure
        jmp     .over

.reading:
        ; While the program ends, a client with half a request may go on. [FR-010]
        cmp     dword [rel ending], 0
        je      .measure
        cmp     qword [rbx + conn.held], 0
        je      .over

.measure:
        ; How long ago was its last byte, or did it begin to linger? [FR-011]
        mov     rax, [rel now_ms]
        sub     rax, [rbx + conn.since]
        cmp     rax, rdx
        jb      .kept
.over:
        mov     rdi, rbx
        call    close_conn
.kept:
        add     rbx, conn_size
        dec     r12d
        jnz     .next_slot
        add     rsp, 8
        pop     r12
        pop     rbx
        ret
.end:

global net_open:function (net_open.end - net_open)
net_open:
        ; [rsp] is the address to bind to.
        push    rbx
        sub     rsp, t_sockaddr_in_size
        mov     ebx, edi                ; port

        ; Create the epoll instance. [FR-002]
        mov     edi, EPOLL_CLOEXEC
        call    epoll_create1 wrt ..plt
        mov     [rel epoll_fd], eax
        test    eax, eax
        js      .failed

        ; Create the socket, which never waits. [FR-002]
        mov     edi, AF_INET
        mov     esi, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC
        xor     edx, edx
        call    socket wrt ..plt
        mov     [rel listen_fd], eax
        test    eax, eax
        js      .failed

        ; Let a new program have the address of one that just ended. [FR-002]
        mov     edi, [rel listen_fd]
        mov     esi, SOL_SOCKET
        mov     edx, SO_REUSEADDR
        lea     rcx, [rel option_on]
        mov     r8d, option_on_end - option_on
        call    setsockopt wrt ..plt
        test    eax, eax
        js      .failed

        ; Bind it to the port, of which the high byte goes first, on 127.0.0.1. [FR-002]
        mov     word [rsp + t_sockaddr_in.sin_family], AF_INET
        xchg    bl, bh
        mov     [rsp + t_sockaddr_in.sin_port], bx
        mov     dword [rsp + t_sockaddr_in.sin_addr + t_in_addr.s_addr], LOOPBACK
        mov     qword [rsp + t_sockaddr_in.sin_zero], 0
        mov     edi, [rel listen_fd]
        mov     rsi, rsp
        mov     edx, t_sockaddr_in_size
        call    bind wrt ..plt
        test    eax, eax
        js      .failed

        ; Listen. [FR-002]
        mov     edi, [rel listen_fd]
        mov     esi, BACKLOG
        call    listen wrt ..plt
        test    eax, eax
        js      .failed

        ; Have epoll tell of clients. [FR-002]
        mov     edi, [rel listen_fd]
        mov     esi, EPOLLIN
        mov     edx, TAG_LISTEN
        call    watch
        test    eax, eax
        jz      .done

.failed:
        ; Leave nothing open. [FR-002]
        lea     rdi, [rel listen_fd]
        call    close_fd
        lea     rdi, [rel epoll_fd]
        call    close_fd
        mov     eax, -1
.done:
        add     rsp, t_sockaddr_in_size
        pop     rbx
        ret
.end:

global net_watch:function (net_watch.end - net_watch)
net_watch:
        ; The database's descriptors are watched like all others. [FR-003]
        sub     rsp, 8
        call    watch
        add     rsp, 8
        ret
.end:

global net_answer:function (net_answer.end - net_answer)
net_answer:
        push    rbx
        mov     rbx, rdi                ; c

        ; The client may be gone meanwhile: then nobody waits for this answer. [FR-008] [FR-012]
        cmp     dword [rbx + conn.fd], NO_FD
        je      .client_gone

        ; An answer to HEAD announces its body only. [FR-008]
        mov     r9, r8                  ; allow
        xor     r8d, r8d                ; flags
        cmp     dword [rbx + conn.request + t_http_request.method], METHOD_HEAD
        jne     .any_method
        or      r8d, ANSWER_HEAD
.any_method:
        ; It is the last one if the client or a signal wants that. [FR-008] [FR-010]
        cmp     dword [rbx + conn.request + t_http_request.keep_alive], 0
        je      .last_answer
        cmp     dword [rel ending], 0
        je      .flags_known
.last_answer:
        or      r8d, ANSWER_CLOSE
.flags_known:
        call    compose

        ; Within app_request, the loop that called it sends. [FR-009]
        cmp     dword [rbx + conn.driven], 0
        jne     .done
        mov     rdi, rbx
        call    drive
        jmp     .done

.client_gone:
        mov     dword [rbx + conn.state], STATE_FREE
        dec     qword [rel used]
.done:
        pop     rbx
        ret
.end:

global net_run:function (net_run.end - net_run)
net_run:
        ; [rsp] is the room for events; the free word aligns the stack.
        push    rbx
        push    r12
        sub     rsp, EVENTS_MAX * t_epoll_event_size + 8

        ; Writing to a client that is gone is an error like others. [FR-004]
        mov     edi, SIGPIPE
        mov     esi, SIGNAL_IGNORED
        call    signal wrt ..plt

        ; Two signals ask for an end. [FR-004]
        mov     edi, SIGTERM
        lea     rsi, [rel on_signal]
        call    signal wrt ..plt
        mov     edi, SIGINT
        lea     rsi, [rel on_signal]
        call    signal wrt ..plt

.next_turn:
        ; Wait until something happens, but not for long. [FR-004]
        mov     edi, [rel epoll_fd]
        mov     rsi, rsp
        mov     edx, EVENTS_MAX
        mov     ecx, TURN_MS
        call    epoll_wait wrt ..plt
        mov     r12d, eax               ; events that are left
        test    eax, eax
        jns     .woken

        ; A signal is no failure. [FR-004]
        call    __errno_location wrt ..plt
        cmp     dword [rax], EINTR
        jne     .failed
        xor     r12d, r12d
.woken:
        call    read_clock
        mov     rbx, rsp                ; the event

.next_event:
        test    r12d, r12d
        jz      .events_handled

        ; Hand the event to whom its tag names. [FR-004]
        mov     esi, [rbx + t_epoll_event.events]
        mov     rdi, [rbx + t_epoll_event.data + t_epoll_data.u64]
        cmp     rdi, TAG_LISTEN
        je      .clients_wait
        cmp     rdi, NET_TAG_DATABASE
        jae     .database_ready

        ; It is a client's: slot i has the tag i + 1. [FR-001]
        sub     rdi, TAG_LISTEN + 1
        imul    rdi, rdi, conn_size
        lea     rax, [rel slots]
        add     rdi, rax
        call    ready
        jmp     .event_handled
.clients_wait:
        call    accept_all
        jmp     .event_handled
.database_ready:
        sub     rdi, NET_TAG_DATABASE
        call    db_event wrt ..plt
.event_handled:
        add     rbx, t_epoll_event_size
        dec     r12d
        jmp     .next_event

.events_handled:
        ; Send the queries of this turn with one flush, and let the database connect. [FR-004]
        call    db_flush wrt ..plt
        call    db_tick wrt ..plt

        ; Has a signal asked for an end?
        cmp     dword [rel ending], 0
        jne     .draining

        ; Look at the clients' times a few times a second; that is exact enough. [FR-011]
        mov     rax, [rel now_ms]
        mov     rcx, rax
        sub     rcx, [rel checked_ms]
        cmp     rcx, CHECK_MS
        jb      .next_turn
        mov     [rel checked_ms], rax
        call    check_times

        ; Try again to let clients in, if there was no room for them; should epoll refuse that,
        ; the next look repeats it. [FR-005]
        cmp     dword [rel listen_paused], 0
        je      .next_turn
        mov     edi, [rel listen_fd]
        mov     esi, EPOLLIN
        mov     edx, TAG_LISTEN
        call    watch
        test    eax, eax
        jnz     .next_turn
        mov     dword [rel listen_paused], 0
        jmp     .next_turn

.draining:
        ; Let no more clients in; the end counts from there. [FR-010]
        cmp     dword [rel listen_fd], NO_FD
        je      .wait_for_clients
        lea     rdi, [rel listen_fd]
        call    close_fd
        mov     rax, [rel now_ms]
        mov     [rel ending_ms], rax
.wait_for_clients:
        ; End when the last client has its answer, or has taken too long. [FR-010]
        call    check_times
        cmp     qword [rel used], 0
        je      .ended
        mov     rax, [rel now_ms]
        sub     rax, [rel ending_ms]
        cmp     rax, DRAIN_MS
        jb      .next_turn
.ended:
        xor     eax, eax
        jmp     .done
.failed:
        mov     eax, 1                  ; [FR-004]
.done:
        add     rsp, EVENTS_MAX * t_epoll_event_size + 8
        pop     r12
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
