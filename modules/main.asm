; main: starts the server and ends it
;
;@ int main(int argc, char **argv)
;@   in    rdi = argc, rsi = argv
;@   out   rax
;@   requires argc >= 0 && \valid_read(argv + (0 .. argc))
;@   assigns errno
;@   ensures 0 <= \result && \result <= 2
;@   stack 128

        default rel
        bits    64

MALFORMED       equ     2               ; exit status of a malformed command line
FAILED          equ     1               ; exit status of a server that cannot listen

        section .rodata

usage_text:
        db      "usage: taskify [--port N]"
usage_end:
cannot_text:
        db      "cannot listen"
cannot_end:
listening_text:
        db      "listening"
listening_end:

        section .text align=16

        global  main:function (main.end - main)
main:
        ; The configuration lives on the stack: 16 bytes, and 8 that align the calls.
        sub     rsp, t_config_size + 8  ; rsp = 0 mod 16

        ; Read the command line and the environment. [FR-001]
        mov     rdx, rsp
        call    config_read wrt ..plt
        test    eax, eax
        jnz     .malformed

        ; Listen first, since the pool watches its sockets through net. [FR-002]
        mov     edi, [rsp + t_config.port]
        call    net_open wrt ..plt
        test    eax, eax
        jnz     .cannot_listen

        ; Begin to connect to the database. [FR-003]
        mov     rdi, [rsp + t_config.database]
        call    db_open wrt ..plt

        ; Tell that clients may come. [FR-003]
        lea     rdi, [rel listening_text]
        mov     esi, listening_end - listening_text
        call    log_line wrt ..plt

        ; Serve to the end; its result is ours. [FR-003]
        call    net_run wrt ..plt
        jmp     .done

.malformed:
        ; Say what the command line may hold. [FR-001]
        lea     rdi, [rel usage_text]
        mov     esi, usage_end - usage_text
        call    log_line wrt ..plt
        mov     eax, MALFORMED
        jmp     .done

.cannot_listen:
        ; Say that the port is not to be had. [FR-002]
        lea     rdi, [rel cannot_text]
        mov     esi, cannot_end - cannot_text
        call    log_line wrt ..plt
        mov     eax, FAILED

.done:
        add     rsp, t_config_size + 8
        ret
.end:

        section .note.GNU-stack noalloc noexec nowrite progbits
