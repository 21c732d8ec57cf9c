; hello: says what suits the hour
;
;@ const char *greeting(int hour)
;@   in    rdi = hour
;@   out   rax
;@   requires 0 <= hour && hour <= 23
;@   assigns \nothing
;@   ensures valid_read_string(\result)
;@   stack 0
;
;@ int main(void)
;@   out   rax
;@   assigns errno
;@   ensures \result == 0
;@   stack 16

default rel
bits 64

; The first hour that is no longer morning, and the first of the evening.
first_day_hour equ 12
first_evening_hour equ 18

; The hour whose greeting main prints.
main_hour equ 9

section .rodata

text_morning:
        db      "good morning", 0
text_day:
        db      "good day", 0
text_evening:
        db      "good evening", 0

section .text align=16

global greeting:function (greeting.end - greeting)
greeting:
        ; Hours 0 to 11 are the morning [FR-001]; only edi holds the int.
        lea     rax, [rel text_morning]
        cmp     edi, first_day_hour
        jl      .chosen
        ; Hours 12 to 17 are the day [FR-002].
        lea     rax, [rel text_day]
        cmp     edi, first_evening_hour
        jl      .chosen
        ; Hours 18 to 23 are the evening [FR-002].
        lea     rax, [rel text_evening]
.chosen:
        ; The address of the chosen string is in rax.
        ret
.end:

global main:function (main.end - main)
main:
        ; Align the stack to 16 bytes for the calls.
        sub     rsp, 8
        ; Choose the greeting of the fixed hour [FR-003].
        mov     edi, main_hour
        call    greeting
        ; Print it and a line feed by one call of puts [FR-003].
        mov     rdi, rax
        call    puts wrt ..plt
        ; Return 0, whatever puts answered [FR-003].
        xor     eax, eax
        add     rsp, 8
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
