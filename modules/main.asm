; main: prints each argument as a task in JSON
;
;@ int main(int argc, char **argv)
;@   in    rdi = argc, rsi = argv
;@   out   rax
;@   requires argc >= 0 && \valid_read(argv + (0 .. argc))
;@   assigns \nothing
;@   ensures \result == 0 || \result == 1
;@   stack 128

        default rel
        bits    64

STDOUT_FD       equ     1               ; where the lines go
LINE_CAP        equ     8192            ; bytes that one line may have [FR-002]
OPEN_SIZE       equ     6               ; bytes of {"id":
MIDDLE_SIZE     equ     9               ; bytes of ,"title":
CLOSE_SIZE      equ     2               ; bytes of } and the line feed

        section .bss align=16
; The buffer that describes the line being composed, then the bytes of that line.
line_buffer:
        resb    t_buffer_size
line_bytes:
        resb    LINE_CAP

        section .text align=16

; rbx = argc, rbp = the buffer, r12 = i, r13 = argv, r14 = bytes of the line already written.
; Five registers are saved, so rsp is a multiple of 16 at every call.
        global  main:function (main.end - main)
main:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14

        ; Keep the arguments; argc is an int, so its upper half is cleared.
        mov     ebx, edi
        mov     r13, rsi

        ; Describe the buffer of 8192 bytes once; only its length changes from here. [FR-002]
        lea     rbp, [rel line_buffer]
        lea     rax, [rel line_bytes]
        mov     [rbp + t_buffer.data], rax
        mov     qword [rbp + t_buffer.cap], LINE_CAP

        ; Begin with argv[1]. [FR-001]
        mov     r12d, 1

.next_argument:
        ; End with success when i reaches argc; argc may be 0. [FR-001] [FR-003]
        cmp     r12, rbx
        jae     .all_written

        ; Start a new line with {"id": , which always fits. [FR-001]
        mov     rax, [rbp + t_buffer.data]
        mov     dword [rax], '{"id'
        mov     word [rax + 4], '":'
        mov     qword [rbp + t_buffer.len], OPEN_SIZE

        ; Append i in decimal. [FR-001]
        mov     rdi, rbp
        mov     rsi, r12
        call    u64_format wrt ..plt
        cmp     eax, BUFFER_FULL
        je      .failed                 ; [FR-003]

        ; Append ,"title": , which fits behind at most ten digits. [FR-001]
        mov     rax, [rbp + t_buffer.data]
        add     rax, [rbp + t_buffer.len]
        mov     rcx, ',"title"'
        mov     [rax], rcx
        mov     byte [rax + 8], ':'
        add     qword [rbp + t_buffer.len], MIDDLE_SIZE

        ; Measure the argument.
        mov     rdi, [r13 + r12 * 8]
        call    strlen wrt ..plt

        ; Append it as a JSON string literal, quotation marks included. [FR-001]
        mov     rdi, rbp
        mov     rsi, [r13 + r12 * 8]
        mov     rdx, rax
        call    json_escape wrt ..plt
        cmp     eax, BUFFER_FULL
        je      .failed                 ; [FR-003]

        ; Give up if the end of the line does not fit. [FR-003]
        mov     rcx, [rbp + t_buffer.len]
        cmp     rcx, LINE_CAP - CLOSE_SIZE
        ja      .failed

        ; Close the object and the line. [FR-001]
        mov     rax, [rbp + t_buffer.data]
        mov     byte [rax + rcx], '}'
        mov     byte [rax + rcx + 1], 10
        add     qword [rbp + t_buffer.len], CLOSE_SIZE

        ; Nothing of the line is written yet.
        xor     r14d, r14d

.write_rest:
        ; Write all that is left of the line with one call. [FR-002]
        mov     edi, STDOUT_FD
        mov     rsi, [rbp + t_buffer.data]
        add     rsi, r14
        mov     rdx, [rbp + t_buffer.len]
        sub     rdx, r14
        call    write wrt ..plt

        ; A negative result is a failure. [FR-003]
        test    rax, rax
        js      .failed

        ; Repeat for the rest if fewer bytes were taken. [FR-002]
        add     r14, rax
        cmp     r14, [rbp + t_buffer.len]
        jb      .write_rest

        ; Go on with the next argument. [FR-001]
        inc     r12
        jmp     .next_argument

.failed:
        ; Write nothing more and return 1. [FR-003]
        mov     eax, 1
        jmp     .restore

.all_written:
        ; Every line is written: return 0. [FR-003]
        xor     eax, eax

.restore:
        ; Give the caller its registers back.
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
.end:

        section .note.GNU-stack noalloc noexec nowrite progbits
