; http_parse: reads one HTTP/1.1 request from a run of bytes (RFC 9112)
;
;@ long http_parse(const char *data, unsigned long len, struct http_request *req)
;@   in    rdi = data, rsi = len, rdx = req
;@   out   rax
;@   requires \valid(req)
;@   requires len == 0 || \valid_read(data + (0 .. len - 1))
;@   assigns *req
;@   ensures -505 <= \result && \result <= len
;@   outcome incomplete: \result == HTTP_INCOMPLETE
;@   outcome refused: \result < 0
;@   stack 192

default rel
bits 64

; The bytes that divide a head into lines, and the blank beside the space.
CHAR_TAB        equ 0x09
CHAR_LF         equ 0x0A
CHAR_CR         equ 0x0D
CHAR_DEL        equ 0x7F
CR_LF           equ 0x0A0D
CR_LF_CR_LF     equ 0x0A0D0A0D
CR_LF_SIZE      equ 2

; The first and the last byte that a request target may hold.
TARGET_FIRST    equ 0x21
TARGET_LAST     equ 0x7E

; The version is HTTP/d.d, and two line ends follow it at the least.
VERSION_SIZE    equ 8
VERSION_REST    equ VERSION_SIZE + 2 * CR_LF_SIZE

; The status codes of refusals.
STATUS_BAD_REQUEST equ 400
STATUS_BODY_LARGE  equ 413
STATUS_TARGET_LONG equ 414
STATUS_EXPECTATION equ 417
STATUS_HEAD_LARGE  equ 431
STATUS_NO_CODING   equ 501
STATUS_NO_VERSION  equ 505

; The header fields that count.
FIELD_OTHER     equ 0
FIELD_USER      equ 1
FIELD_TYPE      equ 2
FIELD_HOST      equ 3
FIELD_LENGTH    equ 4
FIELD_TRANSFER  equ 5
FIELD_CONNECT   equ 6
FIELD_EXPECT    equ 7

; What has been seen in the head, as bits of ebp.
SEEN_CLOSE      equ 0x01
SEEN_KEEP       equ 0x02
SEEN_USER       equ 0x04
SEEN_TYPE       equ 0x08
SEEN_HOST       equ 0x10
SEEN_LENGTH     equ 0x20
SEEN_TRANSFER   equ 0x40
SEEN_VERSION_11 equ 0x80

; The local variables of http_parse, from rsp on.
LOCAL_BODY_LEN  equ 0
LOCAL_VALUE_END equ 8
LOCAL_PART_END  equ 16
FRAME_SIZE      equ 24

section .rodata align=16

; One bit for each byte value: set for the characters of a token.
align 4
token_bits:
        dd      0x00000000, 0x03FF6CFA, 0xC7FFFFFE, 0x57FFFFFF
        dd      0x00000000, 0x00000000, 0x00000000, 0x00000000

; Tables of words: number, length, text in lower case; length 0 ends one
; and its number stands for every other word.
method_words:
        db      METHOD_GET, 3, "get"
        db      METHOD_HEAD, 4, "head"
        db      METHOD_POST, 4, "post"
        db      METHOD_PUT, 3, "put"
        db      METHOD_PATCH, 5, "patch"
        db      METHOD_DELETE, 6, "delete"
        db      METHOD_OTHER, 0

field_words:
        db      FIELD_USER, 9, "x-user-id"
        db      FIELD_TYPE, 12, "content-type"
        db      FIELD_HOST, 4, "host"
        db      FIELD_LENGTH, 14, "content-length"
        db      FIELD_TRANSFER, 17, "transfer-encoding"
        db      FIELD_CONNECT, 10, "connection"
        db      FIELD_EXPECT, 6, "expect"
        db      FIELD_OTHER, 0

connection_words:
        db      SEEN_CLOSE, 5, "close"
        db      SEEN_KEEP, 10, "keep-alive"
        db      0, 0

expect_words:
        db      1, 12, "100-continue"
        db      0, 0

section .text align=16

; http_parse: rdi = data, rsi = len, rdx = req; rax = bytes, 0 or -status.
; rbx = req, ebp = what was seen, r12 = place of reading, r13 = end of the
; head, r14 = data, r15 = end of the data.
global http_parse:function (http_parse.end - http_parse)
http_parse:
        ; Save the caller's registers and make room for the variables.
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, FRAME_SIZE
        mov     rbx, rdx
        mov     r14, rdi
        lea     r15, [rdi + rsi]

        ; Clear the request: whatever is absent is 0 and empty.
        pxor    xmm0, xmm0
        movups  [rbx + t_http_request.method], xmm0
        movups  [rbx + t_http_request.path], xmm0
        movups  [rbx + t_http_request.query], xmm0
        movups  [rbx + t_http_request.user], xmm0
        movups  [rbx + t_http_request.content_type], xmm0
        movups  [rbx + t_http_request.body], xmm0

        ; Skip one line end before the request line. [FR-001]
        mov     r12, rdi
        cmp     rsi, CR_LF_SIZE
        jb      .check_target
        cmp     word [r12], CR_LF
        jne     .check_target
        add     r12, CR_LF_SIZE

        ; A second one would be an empty request line. [FR-003]
        lea     rax, [r12 + CR_LF_SIZE]
        cmp     rax, r15
        ja      .check_target
        cmp     word [r12], CR_LF
        je      .bad_request

.check_target:
        ; A target that is too long goes before all else. [FR-002] [FR-011]
        mov     rdi, r12
        mov     rsi, r15
        call    target_is_long
        test    eax, eax
        jnz     .target_too_long

        ; Look for the empty line where a head may have it. [FR-002]
        mov     rax, r15
        sub     rax, r12
        cmp     rax, HTTP_HEAD_MAX
        jbe     .find_end
        mov     eax, HTTP_HEAD_MAX
.find_end:
        mov     rdi, r12
        lea     rsi, [r12 + rax]
        call    find_head_end
        test    rax, rax
        jnz     .head_complete

        ; Without it the head is too long or not yet complete. [FR-002]
        mov     rax, r15
        sub     rax, r12
        cmp     rax, HTTP_HEAD_MAX
        ja      .head_too_long

.check_byte:
        ; A zero or a lone LF is refused as soon as it has come, and only
        ; what has come is read. [FR-001] [FR-002] [FR-012]
        cmp     r12, r15
        jae     .incomplete
        movzx   eax, byte [r12]
        inc     r12
        test    eax, eax
        jz      .bad_request
        cmp     al, CHAR_LF
        je      .bad_request
        cmp     al, CHAR_CR
        jne     .check_byte

        ; A CR takes the LF behind it along; as the last byte it waits for
        ; it, and before any other byte it is refused. [FR-001] [FR-002]
        cmp     r12, r15
        jae     .incomplete
        cmp     byte [r12], CHAR_LF
        jne     .bad_request
        inc     r12
        jmp     .check_byte

.head_complete:
        ; Every read up to the empty line is now inside the data. [FR-012]
        mov     r13, rax
        xor     ebp, ebp
        mov     qword [rsp + LOCAL_BODY_LEN], 0

        ; The method is a run of capital letters. [FR-003]
        mov     rdi, r12
.method_byte:
        movzx   eax, byte [r12]
        lea     ecx, [rax - 'A']
        cmp     ecx, 'Z' - 'A'
        ja      .method_end
        inc     r12
        jmp     .method_byte
.method_end:
        mov     rsi, r12
        sub     rsi, rdi
        jz      .bad_request
        cmp     al, ' '
        jne     .bad_request

        ; Give the method its number. [FR-003]
        lea     rdx, [rel method_words]
        call    find_word
        mov     [rbx + t_http_request.method], eax

        ; The target begins with a slash. [FR-003]
        inc     r12
        mov     r8, r12                 ; start of the target
        xor     r9d, r9d                ; place after the first '?'
        cmp     byte [r12], '/'
        jne     .bad_request
.target_byte:
        ; It goes on to the first byte that it cannot hold. [FR-003]
        movzx   eax, byte [r12]
        lea     ecx, [rax - TARGET_FIRST]
        cmp     ecx, TARGET_LAST - TARGET_FIRST
        ja      .target_end
        inc     r12
        cmp     al, '?'
        jne     .target_byte
        test    r9, r9
        jnz     .target_byte
        mov     r9, r12
        jmp     .target_byte
.target_end:
        cmp     al, ' '
        jne     .bad_request

        ; Divide the target at its first question mark. [FR-010]
        mov     [rbx + t_http_request.path + t_slice.data], r8
        mov     rax, r12
        test    r9, r9
        jz      .store_path
        mov     rcx, r12
        sub     rcx, r9
        mov     [rbx + t_http_request.query + t_slice.data], r9
        mov     [rbx + t_http_request.query + t_slice.len], rcx
        lea     rax, [r9 - 1]
.store_path:
        sub     rax, r8
        mov     [rbx + t_http_request.path + t_slice.len], rax
        inc     r12

        ; The version has the form HTTP/d.d and ends the line. [FR-003]
        mov     rax, r13
        sub     rax, r12
        cmp     rax, VERSION_REST
        jb      .bad_request
        cmp     dword [r12], 'HTTP'
        jne     .bad_request
        cmp     byte [r12 + 4], '/'
        jne     .bad_request
        cmp     byte [r12 + 6], '.'
        jne     .bad_request
        movzx   eax, byte [r12 + 5]
        lea     edx, [rax - '0']
        cmp     edx, 9
        ja      .bad_request
        movzx   ecx, byte [r12 + 7]
        lea     edx, [rcx - '0']
        cmp     edx, 9
        ja      .bad_request
        cmp     word [r12 + VERSION_SIZE], CR_LF
        jne     .bad_request

        ; Only 1.1 and 1.0 are taken. [FR-003]
        cmp     al, '1'
        jne     .version_refused
        cmp     cl, '0'
        je      .version_taken
        cmp     cl, '1'
        jne     .version_refused
        or      ebp, SEEN_VERSION_11
.version_taken:
        add     r12, VERSION_SIZE + CR_LF_SIZE

.next_field:
        ; An empty line ends the head. [FR-001]
        cmp     word [r12], CR_LF
        je      .head_read

        ; The name is a run of token characters before a colon. [FR-004]
        mov     rdi, r12
        lea     rdx, [rel token_bits]
.name_byte:
        movzx   eax, byte [r12]
        bt      dword [rdx], eax
        jnc     .name_end
        inc     r12
        jmp     .name_byte
.name_end:
        mov     rsi, r12
        sub     rsi, rdi
        jz      .bad_request
        cmp     al, ':'
        jne     .bad_request
        inc     r12

        ; Find out which field it is, without regard to case. [FR-005]
        lea     rdx, [rel field_words]
        call    find_word
        mov     r8d, eax                ; number of the field

.value_leading:
        ; Blanks and tabs before the value do not belong to it. [FR-004]
        movzx   eax, byte [r12]
        cmp     al, ' '
        je      .skip_leading
        cmp     al, CHAR_TAB
        jne     .value_start
.skip_leading:
        inc     r12
        jmp     .value_leading

.value_start:
        mov     rdi, r12
.value_byte:
        ; The value goes on to the line end. [FR-004]
        movzx   eax, byte [r12]
        cmp     al, ' '
        jb      .value_control
        cmp     al, CHAR_DEL
        je      .bad_request
.value_take:
        inc     r12
        jmp     .value_byte
.value_control:
        ; Of the control characters only tab and CR LF may stand. [FR-001]
        cmp     al, CHAR_TAB
        je      .value_take
        cmp     word [r12], CR_LF
        jne     .bad_request
        mov     rsi, r12
        add     r12, CR_LF_SIZE

.value_trailing:
        ; Blanks and tabs after the value do not belong to it. [FR-004]
        cmp     rsi, rdi
        je      .value_trimmed
        movzx   eax, byte [rsi - 1]
        cmp     al, ' '
        je      .drop_trailing
        cmp     al, CHAR_TAB
        jne     .value_trimmed
.drop_trailing:
        dec     rsi
        jmp     .value_trailing
.value_trimmed:
        sub     rsi, rdi

        ; Fields without a meaning here are passed over. [FR-005]
        cmp     r8d, FIELD_USER
        je      .user
        cmp     r8d, FIELD_TYPE
        je      .content_type
        cmp     r8d, FIELD_HOST
        je      .host
        cmp     r8d, FIELD_LENGTH
        je      .content_length
        cmp     r8d, FIELD_TRANSFER
        je      .transfer_encoding
        cmp     r8d, FIELD_CONNECT
        je      .connection
        cmp     r8d, FIELD_EXPECT
        je      .expect
        jmp     .next_field

.user:
        ; X-User-Id may stand once. [FR-005]
        test    ebp, SEEN_USER
        jnz     .bad_request
        or      ebp, SEEN_USER
        mov     [rbx + t_http_request.user + t_slice.data], rdi
        mov     [rbx + t_http_request.user + t_slice.len], rsi
        jmp     .next_field

.content_type:
        ; Content-Type may stand once. [FR-005]
        test    ebp, SEEN_TYPE
        jnz     .bad_request
        or      ebp, SEEN_TYPE
        mov     [rbx + t_http_request.content_type + t_slice.data], rdi
        mov     [rbx + t_http_request.content_type + t_slice.len], rsi
        jmp     .next_field

.host:
        ; Host may stand once in either version. [FR-005]
        test    ebp, SEEN_HOST
        jnz     .bad_request
        or      ebp, SEEN_HOST
        jmp     .next_field

.content_length:
        ; Content-Length may stand once and is not empty. [FR-006]
        test    ebp, SEEN_LENGTH
        jnz     .bad_request
        or      ebp, SEEN_LENGTH
        test    rsi, rsi
        jz      .bad_request
        xor     ecx, ecx
.digit:
        ; Every byte is a digit; beyond the limit the sum stays. [FR-006]
        movzx   eax, byte [rdi]
        sub     eax, '0'
        cmp     eax, 9
        ja      .bad_request
        cmp     rcx, HTTP_BODY_MAX
        ja      .digit_taken
        lea     rcx, [rcx + rcx * 4]
        lea     rcx, [rax + rcx * 2]
.digit_taken:
        inc     rdi
        dec     rsi
        jnz     .digit

        ; A body above the limit is refused. [FR-006]
        cmp     rcx, HTTP_BODY_MAX
        ja      .body_too_large
        mov     [rsp + LOCAL_BODY_LEN], rcx
        mov     dword [rbx + t_http_request.has_body], 1
        jmp     .next_field

.transfer_encoding:
        ; The status depends on the fields still to come. [FR-007]
        or      ebp, SEEN_TRANSFER
        jmp     .next_field

.expect:
        ; Only 100-continue may be expected. [FR-009]
        lea     rdx, [rel expect_words]
        call    find_word
        test    eax, eax
        jz      .expectation_failed
        mov     dword [rbx + t_http_request.expects_continue], 1
        jmp     .next_field

.connection:
        ; Take the elements between the commas one by one. [FR-008]
        add     rsi, rdi
        mov     [rsp + LOCAL_VALUE_END], rsi
.element:
        mov     rdx, [rsp + LOCAL_VALUE_END]
        mov     rsi, rdi
.element_byte:
        cmp     rsi, rdx
        je      .element_end
        cmp     byte [rsi], ','
        je      .element_end
        inc     rsi
        jmp     .element_byte
.element_end:
        mov     [rsp + LOCAL_PART_END], rsi

.element_leading:
        ; Blanks and tabs before the element do not count. [FR-008]
        cmp     rdi, rsi
        je      .element_trimmed
        movzx   eax, byte [rdi]
        cmp     al, ' '
        je      .element_skip
        cmp     al, CHAR_TAB
        jne     .element_trailing
.element_skip:
        inc     rdi
        jmp     .element_leading

.element_trailing:
        ; Those after it do not either; its first byte is none. [FR-008]
        movzx   eax, byte [rsi - 1]
        cmp     al, ' '
        je      .element_drop
        cmp     al, CHAR_TAB
        jne     .element_trimmed
.element_drop:
        dec     rsi
        jmp     .element_trailing

.element_trimmed:
        ; The number of a known element is its bit. [FR-008]
        sub     rsi, rdi
        lea     rdx, [rel connection_words]
        call    find_word
        or      ebp, eax

        ; Go on after the comma, if there is one.
        mov     rdi, [rsp + LOCAL_PART_END]
        cmp     rdi, [rsp + LOCAL_VALUE_END]
        je      .next_field
        inc     rdi
        jmp     .element

.head_read:
        ; A transfer coding is refused in any case. [FR-007]
        test    ebp, SEEN_TRANSFER
        jz      .judge_version
        test    ebp, SEEN_LENGTH
        jnz     .bad_request
        jmp     .coding_refused

.judge_version:
        ; HTTP/1.1 needs a Host and stays open unless told. [FR-005] [FR-008]
        test    ebp, SEEN_VERSION_11
        jz      .judge_old
        test    ebp, SEEN_HOST
        jz      .bad_request
        test    ebp, SEEN_CLOSE
        jnz     .judge_body
        jmp     .keep_alive

.judge_old:
        ; HTTP/1.0 stays open only if told, and not told to close. [FR-008]
        mov     eax, ebp
        and     eax, SEEN_CLOSE | SEEN_KEEP
        cmp     eax, SEEN_KEEP
        jne     .judge_body
.keep_alive:
        mov     dword [rbx + t_http_request.keep_alive], 1

.judge_body:
        ; See whether the whole body has come. [FR-010]
        mov     rax, r15
        sub     rax, r13
        mov     rcx, [rsp + LOCAL_BODY_LEN]
        cmp     rax, rcx
        jb      .incomplete

        ; Give the body and the bytes that the request takes up. [FR-010]
        mov     [rbx + t_http_request.body + t_slice.data], r13
        mov     [rbx + t_http_request.body + t_slice.len], rcx
        lea     rax, [r13 + rcx]
        sub     rax, r14
        jmp     .done

.incomplete:
        ; More bytes are needed. [FR-002] [FR-010]
        mov     eax, HTTP_INCOMPLETE
        jmp     .done

.bad_request:
        ; The request is malformed. [FR-001] [FR-003] [FR-004]
        mov     rax, -STATUS_BAD_REQUEST
        jmp     .done

.target_too_long:
        ; The request target is too long. [FR-002]
        mov     rax, -STATUS_TARGET_LONG
        jmp     .done

.head_too_long:
        ; The head is too long. [FR-002]
        mov     rax, -STATUS_HEAD_LARGE
        jmp     .done

.version_refused:
        ; The version is well formed but not taken. [FR-003]
        mov     rax, -STATUS_NO_VERSION
        jmp     .done

.body_too_large:
        ; The body is above the limit. [FR-006]
        mov     rax, -STATUS_BODY_LARGE
        jmp     .done

.coding_refused:
        ; Transfer codings are not implemented. [FR-007]
        mov     rax, -STATUS_NO_CODING
        jmp     .done

.expectation_failed:
        ; The expectation is not known. [FR-009]
        mov     rax, -STATUS_EXPECTATION

.done:
        ; Give the caller its registers back.
        add     rsp, FRAME_SIZE
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
.end:

; target_is_long: rdi = start of the request line, rsi = end of the data;
; eax = 1 if more than HTTP_TARGET_MAX bytes of a target have come, else 0.
target_is_long:
.method_byte:
        ; Pass over everything up to the first blank of the line.
        cmp     rdi, rsi
        jae     .short_enough
        movzx   eax, byte [rdi]
        inc     rdi
        cmp     al, ' '
        je      .at_target
        cmp     al, CHAR_CR
        je      .short_enough
        cmp     al, CHAR_LF
        je      .short_enough
        jmp     .method_byte

.at_target:
        ; Too few bytes behind it cannot make it too long. [FR-012]
        sub     rsi, rdi
        cmp     rsi, HTTP_TARGET_MAX
        jbe     .short_enough
        xor     ecx, ecx
.target_byte:
        ; Count the bytes up to a blank or the end of the line. [FR-002]
        movzx   eax, byte [rdi + rcx]
        cmp     al, ' '
        je      .short_enough
        cmp     al, CHAR_CR
        je      .short_enough
        cmp     al, CHAR_LF
        je      .short_enough
        inc     rcx
        cmp     rcx, HTTP_TARGET_MAX
        jbe     .target_byte
        mov     eax, 1
        ret

.short_enough:
        xor     eax, eax
        ret
.end:

; find_head_end: rdi = start of the request line, rsi = end of the bytes to
; search; rax = place after the first empty line, or 0 if there is none.
find_head_end:
.next_byte:
        ; Read four bytes only where four are left. [FR-012]
        lea     rax, [rdi + 2 * CR_LF_SIZE]
        cmp     rax, rsi
        ja      .absent
        cmp     dword [rdi], CR_LF_CR_LF
        je      .found
        inc     rdi
        jmp     .next_byte
.absent:
        xor     eax, eax
.found:
        ret
.end:

; find_word: rdi = text, rsi = its length, rdx = table of words;
; eax = the number of the word that it is, without regard to case.
find_word:
.next_word:
        ; The word of length 0 stands for all others.
        movzx   ecx, byte [rdx + 1]
        test    ecx, ecx
        jz      .found
        cmp     rcx, rsi
        jne     .skip_word
        xor     r8d, r8d
.compare:
        ; Make a capital letter small and compare it. [FR-005]
        movzx   eax, byte [rdi + r8]
        lea     r9d, [rax - 'A']
        cmp     r9d, 'Z' - 'A'
        ja      .folded
        or      eax, 0x20
.folded:
        cmp     al, [rdx + r8 + 2]
        jne     .skip_word
        inc     r8
        cmp     r8, rcx
        jb      .compare
.found:
        movzx   eax, byte [rdx]
        ret

.skip_word:
        ; Go to the word after this one.
        lea     rdx, [rdx + rcx + 2]
        jmp     .next_word
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
