; db_pool: a few connections to PostgreSQL in pipeline mode, none of which ever waits
;
;@ void db_open(const char *conninfo)
;@   in    rdi = conninfo
;@   requires valid_read_string(conninfo)
;@   assigns errno
;@   stack 64
;
;@ int db_query(int statement, const char *const *values, void (*done)(void *context, const struct pg_result *result) {assigns \nothing}, void *context)
;@   in    rdi = statement, rsi = values, rdx = done, rcx = context
;@   out   rax
;@   requires 0 <= statement
;@   requires values == \null || valid_read_string(values[0])
;@   assigns errno
;@   ensures \result == 0 || \result == -1
;@   outcome away: \result == -1
;@   mutates context
;@   stack 128
;
;@ void db_event(int index, unsigned int events)
;@   in    rdi = index, rsi = events
;@   requires 0 <= index && index < DB_CONNECTIONS
;@   assigns errno
;@   stack 256
;
;@ void db_flush(void)
;@   assigns errno
;@   stack 128
;
;@ void db_tick(void)
;@   assigns errno
;@   stack 128

default rel
bits 64

; The states of a connection [FR-001]. The order counts: from PREPARING on, it is in pipeline mode.
DOWN            equ     0
CONNECTING      equ     1
PREPARING       equ     2
READY           equ     3

; The wait after a first failure, and how often it doubles: 100 ms, ..., 3200 ms [FR-003].
FIRST_WAIT      equ     100000000       ; nanoseconds
DOUBLINGS       equ     5
SECOND          equ     1000000000      ; nanoseconds

; An entry of the queue [FR-001].
struc entry
.done:          resq    1               ; db_callback
.context:       resq    1
endstruc

; A connection and its queue, a ring.
struc slot
.conn:          resq    1               ; PGconn *, null: down
.start_at:      resq    1               ; CLOCK_MONOTONIC in nanoseconds; says something when down
.tag:           resq    1               ; what net_watch is told
.state:         resd    1
.watched:       resd    1               ; events of the last net_watch; says nothing when down
.failures:      resd    1               ; in a row, at most DOUBLINGS
.unsent:        resd    1               ; 1: something was queued since the last flush
.called:        resd    1               ; 1: the callback of the first entry was called
.first:         resd    1               ; where the first entry is
.count:         resd    1               ; entries
.pad:           resd    1
.queue:         resb    DB_PENDING * entry_size
endstruc

section .rodata

away_text:
        db      "database away"
away_text_end:
ready_text:
        db      "database ready"
ready_text_end:

section .bss align=16

slots:
        resb    DB_CONNECTIONS * slot_size
slots_end:
; The string that db_open was given; null before that.
where:
        resq    1
; The number of the connection that db_query tries first.
turn:
        resd    1

section .text align=16

; clock_now: the time of CLOCK_MONOTONIC in nanoseconds.
clock_now:
        sub     rsp, t_timespec_size + 8 ; rsp mod 16 = 0
        mov     edi, CLOCK_MONOTONIC
        mov     rsi, rsp
        call    clock_gettime wrt ..plt

        ; Seconds and nanoseconds as one number.
        imul    rax, [rsp + t_timespec.tv_sec], SECOND
        add     rax, [rsp + t_timespec.tv_nsec]
        add     rsp, t_timespec_size + 8
        ret
.end:

; dequeue: removes the first entry of connection rdi. rax = its callback, or 0 if that was called
; before; rdx = its context.
dequeue:
        ; Read the entry.
        mov     ecx, [rdi + slot.first]
        imul    r8d, ecx, entry_size
        mov     rax, [rdi + slot.queue + r8 + entry.done]
        mov     rdx, [rdi + slot.queue + r8 + entry.context]

        ; The next one is the first now; behind the last place comes place 0.
        dec     dword [rdi + slot.count]
        inc     ecx
        cmp     ecx, DB_PENDING
        jb      .within
        xor     ecx, ecx
.within:
        mov     [rdi + slot.first], ecx

        ; A callback is called exactly once. [FR-010]
        cmp     dword [rdi + slot.called], 0
        je      .uncalled
        xor     eax, eax
.uncalled:
        mov     dword [rdi + slot.called], 0
        ret
.end:

; fail: connection rdi fails. [FR-003] Callbacks may fail another connection meanwhile, never this
; one, which is down.
fail:
        push    rbx                     ; rsp mod 16 = 0
        mov     rbx, rdi

        ; Close what there is of a connection.
        mov     rdi, [rbx + slot.conn]
        test    rdi, rdi
        jz      .closed
        mov     qword [rbx + slot.conn], 0
        call    PQfinish wrt ..plt
.closed:

        ; It is down. Say so if it was ready.
        mov     eax, [rbx + slot.state]
        mov     dword [rbx + slot.state], DOWN
        cmp     eax, READY
        jne     .set_time
        lea     rdi, [rel away_text]
        mov     esi, away_text_end - away_text
        call    log_line wrt ..plt
.set_time:

        ; The wait doubles with each failure in a row.
        call    clock_now
        mov     ecx, [rbx + slot.failures]
        mov     edx, FIRST_WAIT
        shl     rdx, cl                 ; FIRST_WAIT * 2^failures
        add     rax, rdx
        mov     [rbx + slot.start_at], rax
        cmp     ecx, DOUBLINGS
        jae     .next
        inc     dword [rbx + slot.failures]

        ; Tell everybody who waits, in order.
.next:
        cmp     dword [rbx + slot.count], 0
        je      .emptied
        mov     rdi, rbx
        call    dequeue
        test    rax, rax
        jz      .next
        mov     rdi, rdx
        xor     esi, esi                ; result = null
        call    rax
        jmp     .next
.emptied:
        pop     rbx
        ret
.end:

; watch: watches the socket of connection rdi for the events esi and remembers them; a connection
; that cannot be watched fails. [FR-002]
watch:
        push    rbx                     ; rsp mod 16 = 0
        mov     rbx, rdi
        mov     [rbx + slot.watched], esi

        ; The socket is asked for each time, because it may have changed. [FR-007]
        mov     rdi, [rbx + slot.conn]
        call    PQsocket wrt ..plt
        test    eax, eax
        js      .unwatched

        ; Tell the loop.
        mov     edi, eax
        mov     esi, [rbx + slot.watched]
        mov     rdx, [rbx + slot.tag]
        call    net_watch wrt ..plt
        test    eax, eax
        jz      .watching

        ; Nobody would ever hear of this connection again.
.unwatched:
        mov     rdi, rbx
        call    fail
.watching:
        pop     rbx
        ret
.end:

; start: starts connection rdi. [FR-002]
start:
        push    rbx                     ; rsp mod 16 = 0
        mov     rbx, rdi

        ; A connection can be bad from its beginning; fail closes it.
        mov     rdi, [rel where]
        call    PQconnectStart wrt ..plt
        mov     [rbx + slot.conn], rax
        test    rax, rax
        jz      .failed
        mov     rdi, rax
        call    PQstatus wrt ..plt
        cmp     eax, CONNECTION_BAD
        je      .failed

        ; The first thing to wait for is always that the socket can be written.
        mov     dword [rbx + slot.state], CONNECTING
        mov     rdi, rbx
        mov     esi, EPOLLOUT
        call    watch
        jmp     .started
.failed:
        mov     rdi, rbx
        call    fail
.started:
        pop     rbx
        ret
.end:

; flush: sends what connection rdi has queued, as far as its socket takes it. [FR-011]
flush:
        push    rbx                     ; rsp mod 16 = 0
        mov     rbx, rdi
        mov     dword [rbx + slot.unsent], 0
        mov     rdi, [rbx + slot.conn]
        call    PQflush wrt ..plt
        test    eax, eax
        js      .failed

        ; Results may come at any time; the rest goes when there is room.
        mov     esi, EPOLLIN
        jz      .compare                ; flags of test: all is sent
        mov     esi, EPOLLIN | EPOLLOUT
.compare:
        cmp     esi, [rbx + slot.watched]
        je      .flushed
        mov     rdi, rbx
        call    watch
        jmp     .flushed
.failed:
        mov     rdi, rbx
        call    fail
.flushed:
        pop     rbx
        ret
.end:

; prepare: connection rdi is connected; it enters pipeline mode and prepares all statements. [FR-008]
prepare:
        push    rbx
        push    r12
        push    r13                     ; rsp mod 16 = 0
        mov     rbx, rdi

        ; From now on no call waits.
        mov     rdi, [rbx + slot.conn]
        mov     esi, 1
        call    PQsetnonblocking wrt ..plt
        test    eax, eax
        jnz     .failed
        mov     rdi, [rbx + slot.conn]
        call    PQenterPipelineMode wrt ..plt
        test    eax, eax
        jz      .failed

        ; Queue each statement; the server finds out the types of its parameters.
        lea     r12, [rel sql_statements]
        mov     r13d, SQL_COUNT         ; statements that are left
.next:
        mov     rdi, [rbx + slot.conn]
        mov     rsi, [r12 + t_sql_statement.name]
        mov     rdx, [r12 + t_sql_statement.text]
        xor     ecx, ecx                ; nParams = 0
        xor     r8d, r8d                ; paramTypes = null
        call    PQsendPrepare wrt ..plt
        test    eax, eax
        jz      .failed
        add     r12, t_sql_statement_size
        dec     r13d
        jnz     .next

        ; One end of the pipeline for all of them, and off they go.
        mov     rdi, [rbx + slot.conn]
        call    PQpipelineSync wrt ..plt
        test    eax, eax
        jz      .failed
        mov     dword [rbx + slot.state], PREPARING
        mov     rdi, rbx
        call    flush
        jmp     .prepared
.failed:
        mov     rdi, rbx
        call    fail
.prepared:
        pop     r13
        pop     r12
        pop     rbx
        ret
.end:

; take_prepared: takes a result with status esi on connection rdi, which is preparing. [FR-010]
take_prepared:
        ; A statement that is prepared says nothing of the others.
        cmp     esi, PGRES_COMMAND_OK
        je      .taken
        cmp     esi, PGRES_PIPELINE_SYNC
        je      .ready

        ; A statement that the server refuses will be refused to queries too.
        sub     rsp, 8                  ; rsp mod 16 = 0
        call    fail
        add     rsp, 8
        ret

        ; All are prepared: it is ready, and no failure was before that counts. [FR-003] [FR-009]
.ready:
        mov     dword [rdi + slot.state], READY
        mov     dword [rdi + slot.failures], 0
        lea     rdi, [rel ready_text]
        mov     esi, ready_text_end - ready_text
        sub     rsp, 8                  ; rsp mod 16 = 0
        call    log_line wrt ..plt
        add     rsp, 8
.taken:
        ret
.end:

; take_answer: takes the result rdx with status esi on connection rdi, which is ready and has an
; entry at least. [FR-010]
take_answer:
        sub     rsp, 8                  ; rsp mod 16 = 0
        cmp     esi, PGRES_PIPELINE_SYNC
        je      .end_of_query

        ; What belongs to the first entry goes to its callback, once.
        cmp     dword [rdi + slot.called], 0
        jne     .taken
        mov     dword [rdi + slot.called], 1
        imul    eax, [rdi + slot.first], entry_size
        lea     rax, [rdi + slot.queue + rax]
        mov     rdi, [rax + entry.context]
        mov     rsi, rdx
        call    [rax + entry.done]
        jmp     .taken

        ; With its end the entry goes; a callback without any result gets null.
.end_of_query:
        call    dequeue
        test    rax, rax
        jz      .taken
        mov     rdi, rdx
        xor     esi, esi
        call    rax
.taken:
        add     rsp, 8
        ret
.end:

; take_results: takes the results that connection rdi has received and that are expected. [FR-009]
take_results:
        push    rbx
        push    r12
        sub     rsp, 8                  ; rsp mod 16 = 0
        mov     rbx, rdi

        ; A callback may have failed the connection, so its state is read each time.
.next:
        mov     eax, [rbx + slot.state]
        cmp     eax, PREPARING
        je      .expected
        cmp     eax, READY
        jne     .all_taken
        cmp     dword [rbx + slot.count], 0
        je      .all_taken

        ; Take one only if that needs no waiting.
.expected:
        mov     rdi, [rbx + slot.conn]
        call    PQisBusy wrt ..plt
        test    eax, eax
        jnz     .all_taken
        mov     rdi, [rbx + slot.conn]
        call    PQgetResult wrt ..plt
        mov     r12, rax                ; result
        test    rax, rax
        jz      .none

        ; Hand it to whom it is for. [FR-010]
        mov     rdi, r12
        call    PQresultStatus wrt ..plt
        mov     rdi, rbx
        mov     esi, eax
        mov     rdx, r12
        cmp     dword [rbx + slot.state], PREPARING
        je      .preparing
        call    take_answer
        jmp     .clear
.preparing:
        call    take_prepared
.clear:
        mov     rdi, r12
        call    PQclear wrt ..plt
        jmp     .next

        ; Null ends the results of a query. On a connection that libpq has given up, null is all
        ; that would ever come. [FR-010]
.none:
        mov     rdi, [rbx + slot.conn]
        call    PQstatus wrt ..plt
        cmp     eax, CONNECTION_BAD
        jne     .next
        mov     rdi, rbx
        call    fail
.all_taken:
        add     rsp, 8
        pop     r12
        pop     rbx
        ret
.end:

global db_open:function (db_open.end - db_open)
db_open:
        push    rbx
        push    r12
        sub     rsp, 8                  ; rsp mod 16 = 0

        ; Keep where the database is for every later start. [FR-004]
        mov     [rel where], rdi

        ; Start each connection under its own tag. [FR-004]
        lea     rbx, [rel slots]
        mov     r12d, NET_TAG_DATABASE
.next:
        mov     [rbx + slot.tag], r12
        mov     rdi, rbx
        call    start
        add     rbx, slot_size
        inc     r12d
        cmp     r12d, NET_TAG_DATABASE + DB_CONNECTIONS
        jb      .next
        add     rsp, 8
        pop     r12
        pop     rbx
        ret
.end:

global db_query:function (db_query.end - db_query)
db_query:
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, 16                 ; rsp mod 16 = 0; [rsp]: an argument
        mov     r13, rsi                ; values
        mov     r14, rdx                ; done
        mov     r15, rcx                ; context

        ; The statement's entry in the table.
        mov     eax, edi
        imul    rax, rax, t_sql_statement_size
        lea     r12, [rel sql_statements]
        add     r12, rax

        ; Look at each connection once, beginning after the one that was chosen last. [FR-005]
        mov     eax, [rel turn]
        mov     ecx, DB_CONNECTIONS     ; connections that are left
.look:
        imul    edx, eax, slot_size
        lea     rbx, [rel slots]
        add     rbx, rdx
        inc     eax
        cmp     eax, DB_CONNECTIONS
        jb      .fits
        xor     eax, eax                ; behind the last comes connection 0
.fits:
        cmp     dword [rbx + slot.state], READY
        jne     .unfit
        cmp     dword [rbx + slot.count], DB_PENDING
        jb      .chosen
.unfit:
        dec     ecx
        jnz     .look
        mov     eax, -1                 ; [FR-005]
        jmp     .return
.chosen:
        mov     [rel turn], eax

        ; Queue the query and directly after it the end of its unit, so that its failure is no
        ; other query's. [FR-006]
        mov     rdi, [rbx + slot.conn]
        mov     rsi, [r12 + t_sql_statement.name]
        mov     edx, [r12 + t_sql_statement.parameters]
        mov     rcx, r13
        xor     r8d, r8d                ; paramLengths = null
        xor     r9d, r9d                ; paramFormats = null
        mov     qword [rsp], 0          ; resultFormat = 0, texts
        call    PQsendQueryPrepared wrt ..plt
        test    eax, eax
        jz      .failed
        mov     rdi, [rbx + slot.conn]
        call    PQpipelineSync wrt ..plt
        test    eax, eax
        jz      .failed

        ; Append the entry behind the last one. [FR-006]
        mov     eax, [rbx + slot.first]
        add     eax, [rbx + slot.count]
        cmp     eax, DB_PENDING
        jb      .within
        sub     eax, DB_PENDING
.within:
        imul    eax, eax, entry_size
        mov     [rbx + slot.queue + rax + entry.done], r14
        mov     [rbx + slot.queue + rax + entry.context], r15
        inc     dword [rbx + slot.count]
        mov     dword [rbx + slot.unsent], 1
        xor     eax, eax
        jmp     .return

        ; This query was not queued; those before it learn from null. [FR-006]
.failed:
        mov     rdi, rbx
        call    fail
        mov     eax, -1
.return:
        add     rsp, 16
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        ret
.end:

global db_event:function (db_event.end - db_event)
db_event:
        push    rbx
        push    r12
        sub     rsp, 8                  ; rsp mod 16 = 0
        mov     r12d, esi               ; events

        ; The connection decides what an event means; on one that is down it is stale. [FR-013]
        mov     eax, edi
        imul    rax, rax, slot_size
        lea     rbx, [rel slots]
        add     rbx, rax
        mov     eax, [rbx + slot.state]
        cmp     eax, CONNECTING
        jb      .handled
        je      .connecting

        ; Receive and take what came; a lost connection shows itself here too. [FR-009]
        test    r12d, EPOLLIN | EPOLLERR | EPOLLHUP
        jz      .sending
        mov     rdi, [rbx + slot.conn]
        call    PQconsumeInput wrt ..plt
        test    eax, eax
        jz      .failed
        mov     rdi, rbx
        call    take_results

        ; There is room again for what is unsent, if the connection is still there. [FR-009]
.sending:
        test    r12d, EPOLLOUT
        jz      .handled
        cmp     dword [rbx + slot.state], PREPARING
        jb      .handled
        mov     rdi, rbx
        call    flush
        jmp     .handled

        ; Go on with connecting, and wait for what libpq asks for. [FR-007]
.connecting:
        mov     rdi, [rbx + slot.conn]
        call    PQconnectPoll wrt ..plt
        mov     rdi, rbx
        mov     esi, EPOLLIN
        cmp     eax, PGRES_POLLING_READING
        je      .wait_for
        mov     esi, EPOLLOUT
        cmp     eax, PGRES_POLLING_WRITING
        je      .wait_for
        cmp     eax, PGRES_POLLING_OK
        jne     .failed
        call    prepare
        jmp     .handled
.wait_for:
        call    watch
        jmp     .handled
.failed:
        mov     rdi, rbx
        call    fail
.handled:
        add     rsp, 8
        pop     r12
        pop     rbx
        ret
.end:

global db_flush:function (db_flush.end - db_flush)
db_flush:
        push    rbx                     ; rsp mod 16 = 0

        ; Flush each ready connection to which a query was given since the last time. [FR-012]
        lea     rbx, [rel slots]
.next:
        cmp     dword [rbx + slot.state], READY
        jne     .flushed
        cmp     dword [rbx + slot.unsent], 0
        je      .flushed
        mov     rdi, rbx
        call    flush
.flushed:
        add     rbx, slot_size
        lea     rax, [rel slots_end]
        cmp     rbx, rax
        jb      .next
        pop     rbx
        ret
.end:

global db_tick:function (db_tick.end - db_tick)
db_tick:
        push    rbx                     ; rsp mod 16 = 0

        ; Before db_open no connection has a time to be started at.
        cmp     qword [rel where], 0
        je      .ticked

        ; Start each connection that is down and has waited long enough. [FR-013]
        lea     rbx, [rel slots]
.next:
        cmp     dword [rbx + slot.state], DOWN
        jne     .started
        call    clock_now
        cmp     rax, [rbx + slot.start_at]
        jb      .started
        mov     rdi, rbx
        call    start
.started:
        add     rbx, slot_size
        lea     rax, [rel slots_end]
        cmp     rbx, rax
        jb      .next
.ticked:
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
