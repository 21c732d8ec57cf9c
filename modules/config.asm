; config: what the program was started with
;
;@ int config_read(int argc, char **argv, struct config *out)
;@   in    rdi = argc, rsi = argv, rdx = out
;@   out   rax
;@   requires argc >= 0 && \valid_read(argv + (0 .. argc)) && \valid(out)
;@   assigns *out
;@   ensures \result == 0 ==> valid_read_string(out->database) && (1 <= out->port && out->port <= 65535)
;@   ensures \result == 0 || \result == -1
;@   outcome malformed: \result == -1
;@   stack 64

default rel
bits 64

; The length of `--port`.
OPTION_LEN      equ     6
; The greatest port.
PORT_MAX        equ     65535
; What a wrong command line gives.
MALFORMED       equ     -1

section .rodata

; The name of the environment's variable, a string. [FR-001]
database_variable:
        db      "TASKIFY_DATABASE_URL", 0
; The database where the variable is not set, an empty string. [FR-001]
no_database:
        db      0
; The only option there is. [FR-002]
port_option:
        db      "--port"

section .text align=16

; rbx = argc, rbp = index of an argument, r12 = argv, r13 = out; [rsp] is the number read.
; Four registers and that word make rsp a multiple of 16.
global config_read:function (config_read.end - config_read)
config_read:
        push    rbx
        push    rbp
        push    r12
        push    r13
        sub     rsp, 8

        ; Keep the arguments; argc is an int that is not negative.
        mov     ebx, edi
        mov     r12, rsi
        mov     r13, rdx

        ; Take the database from the environment. [FR-001]
        lea     rdi, [rel database_variable]
        call    getenv wrt ..plt
        test    rax, rax
        jnz     .database_known

        ; Without the variable it is the empty string. [FR-001]
        lea     rax, [rel no_database]
.database_known:
        mov     [r13 + t_config.database], rax

        ; The port is the usual one unless an argument says otherwise. [FR-001]
        mov     dword [r13 + t_config.port], CONFIG_PORT

        ; Begin with argv[1]. [FR-002]
        mov     ebp, 1

.next_pair:
        ; All arguments are read when the index reaches argc, which may be 0. [FR-002]
        cmp     rbp, rbx
        jae     .well_formed

        ; A pair begins with `--port`, which has this length. [FR-002]
        mov     rdi, [r12 + rbp * 8]
        call    strlen wrt ..plt
        cmp     rax, OPTION_LEN
        jne     .malformed

        ; And these bytes. [FR-002]
        mov     rdi, [r12 + rbp * 8]
        lea     rsi, [rel port_option]
        mov     edx, OPTION_LEN
        call    memcmp wrt ..plt
        test    eax, eax
        jnz     .malformed

        ; It is not the last argument. [FR-002]
        inc     rbp
        cmp     rbp, rbx
        jae     .malformed

        ; Measure the number that follows it.
        mov     rdi, [r12 + rbp * 8]
        call    strlen wrt ..plt

        ; Read the number. [FR-002]
        mov     rdi, [r12 + rbp * 8]
        mov     rsi, rax
        mov     rdx, rsp
        call    u64_parse wrt ..plt
        test    eax, eax
        jnz     .malformed

        ; It is from 1 to 65535; less 1, 0 wraps beyond all of them. [FR-002]
        mov     rax, [rsp]
        lea     rcx, [rax - 1]
        cmp     rcx, PORT_MAX - 1
        ja      .malformed

        ; Store it; a later pair may replace it. [FR-002]
        mov     [r13 + t_config.port], eax

        ; Go on behind the pair. [FR-002]
        inc     rbp
        jmp     .next_pair

.malformed:
        ; The arguments are no such pairs. [FR-002]
        mov     eax, MALFORMED
        jmp     .restore

.well_formed:
        ; Every argument belonged to a pair. [FR-002]
        xor     eax, eax

.restore:
        ; Give the caller its registers back.
        add     rsp, 8
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
