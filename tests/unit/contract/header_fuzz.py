"""Hostile headers: sentences of the grammar, and mutations of good headers."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

from asmith.contract.reader import read_interfaces
from asmith.errors import Place, UsageError
from asmith.model.names import InterfaceName

if TYPE_CHECKING:
    from random import Random

SEED = r"""#ifndef H
#define H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define LIMIT (77 + 'a' * 2u)
#define HELLO "he\tllo"
enum color { RED = -1, GREEN, BLUE = LIMIT };
typedef struct buffer { char *data; size_t len, cap; union { int a; float b[2]; }; } buffer;
struct __attribute__((packed)) skew { char c; long double n; __m256 v[LIMIT]; };
//@ requires n > 0; assigns s[0 .. n-1];
typedef int (*visit)(char *s, int n);
extern const uint32_t table[LIMIT];
/*@ requires \valid(b) && (n == 0 || \valid_read(s + (0 .. n-1)));
  @ requires \forall integer i; 0 <= i < n ==> s[i] != 'x' && \separated(b, s + i);
  @ assigns *b, b->data[0 .. b->cap-1], errno;
  @ ensures \result == 0 || \result == -1 ? b->len <= \old(b->len) + n : n != 3;
  @ asm outcome full: \result == -1;
  @ asm acquires b->data by work; asm borrows b from s; asm mutates b, s;
  @ asm in rax = n, rdi = b; asm clobbers rbx; asm stack 128; asm isa x86-64-v3; asm dispatch;
  @ asm waive ABI001 "reason"; */
int work(buffer *b, const char *s, size_t n, visit each, ...);
#ifdef __cplusplus
}
#endif
#endif
"""
_TOKEN = re.compile(r"\\?\w+|\s+|/\*@?|\*/|//@?|[^\w\s]")
TOKENS = _TOKEN.findall(SEED)
WORDS = [
    *sorted({t for t in TOKENS if t.strip()}),
    "(" * 30, "*" * 40, "!" * 50, "[1]" * 30, "n+" * 90, "#if 0\n", "\\", '"', "'", "/*", "*/",
    "//@ ", "/*@ ", "\x00", "\xff", "é", "@", "0x", "1.5", "1e9", "99999999999999999999", "'\\0'",
    "static", "inline", "_Atomic", "volatile", "_Complex", '_Pragma("x")', "typedef", "__asm__",
    "long double", "__int128", "...", "..", "? :", "==>", "sizeof(int)", "\\nothing", "\\lambda",
]  # fmt: skip


def mutated(random: Random) -> str:
    """Return the good header with a few tokens removed, doubled, swapped, replaced or cut off."""
    tokens = list(TOKENS)
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(len(tokens))
        match random.randrange(6):
            case 0:
                del tokens[at : at + random.choice((1, 1, 2, 9))]
            case 1:
                tokens[at:at] = tokens[at : at + random.choice((1, 5, 40))]
            case 2:
                other = random.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3:
                tokens.insert(at, random.choice(WORDS))
            case 4:
                tokens[at] = random.choice(WORDS)
            case _:
                if random.random() < 0.1:
                    del tokens[at:]
        if not tokens:
            break
    return "".join(tokens)


def sentence(random: Random) -> str:
    """Return a header of random declarations and clauses."""
    parts = [_declaration(random, n) for n in range(random.randrange(1, 6))]
    return "#include <stddef.h>\n" + "\n".join(parts) + "\n"


def _declaration(random: Random, number: int) -> str:
    match random.randrange(6):
        case 0:
            return f"#define C{number} {_term(random, 3)}"
        case 1:
            members = " ".join(
                f"{_type(random)} {_declarator(random, f'm{n}')};"
                for n in range(random.randrange(4))
            )
            keyword = random.choice(("struct", "union"))
            return f"{keyword} s{number} {{ {members} }};"
        case 2:
            return f"enum e{number} {{ E{number} = {_term(random, 2)}, F{number} }};"
        case 3:
            return f"typedef {_type(random)} {_declarator(random, f't{number}')};"
        case 4:
            return f"extern {_type(random)} {_declarator(random, f'x{number}')};"
        case _:
            more = f", {_type(random)} {_declarator(random, 'q')}" * random.randrange(2)
            parameters = f"int *p, long n{more}"
            clauses = "; ".join(_clause(random) for _ in range(random.randrange(4)))
            block = f"/*@ assigns \\nothing; {clauses}; */" if clauses else "//@ assigns *p;\n"
            return f"{block} {_type(random)} f{number}({parameters});"


def _type(random: Random) -> str:
    known = ["int", "char", "unsigned long", "void *", "size_t", "double", "const char *", "__m128"]
    if random.random() < 0.8:
        return random.choice(known)
    known += ["struct s0", "struct s1 *", "enum e1", "t0", "long double", "void"]
    return random.choice(known)


def _declarator(random: Random, name: str) -> str:
    forms = ["{}", "{}", "{}", "{}", "*{}", "{}[3]", "(*{})(int)"]
    if random.random() < 0.1:
        forms += ["{}[C0]", "{}[]", "{}[2][E1]"]
    return random.choice(forms).format(name)


def _clause(random: Random) -> str:
    term = _term(random, 4)
    forms = ["requires {}", "ensures {}", "assigns *p, {}", "asm outcome o: {}", "asm takes {}"]
    forms += ["asm stack 8", "asm in rax = n", "asm acquires {} by f0", "asm borrows {} from p"]
    return random.choice(forms).format(term)


def _term(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.3:
        return random.choice(
            ["p", "q", "n", "1", "0", "C0", "E1", "\\null", "\\result", "x1", "'c'"]
        )
    one, two = _term(random, depth - 1), _term(random, depth - 1)
    forms = ["{} == {}", "{} + {}", "({} < {})", "p[{}]", "-{}", "({}) * {}", "{} - {}", "~{}"]
    if random.random() < 0.7:
        return random.choice(forms).format(one, two)
    forms += ["{} && {}", "*{}", "{}[{}]", "{}->m0"]
    forms += ["\\valid({} + (0 .. {}))", "\\old({})", "!{}", "{} ? {} : n", "(char *){}", "{} / {}"]
    forms += ["\\forall integer i; 0 <= i < {} ==> {} != i", "{} << {}", "sizeof(int)", "&{}"]
    return random.choice(forms).format(one, two)


def is_clear(error: UsageError) -> bool:
    """Tell whether an error has a place and says what is wrong in one line."""
    return isinstance(error.where, Place) and bool(error.what) and "\n" not in error.what


def judged(text: str) -> str:
    """Return "read" or "refused" for what a header ends in.

    Anything else than an interface or a UsageError with a place passes through, as does a reading
    that takes a second of processor time.
    """
    data = text.encode("utf-8", "surrogatepass")
    start = time.process_time()
    try:
        read_interfaces({InterfaceName("i"): ("i.h", data)})
    except UsageError as error:
        outcome = "refused" if is_clear(error) else f"unclear: {error.what}"
    else:
        outcome = "read"
    assert outcome in ("read", "refused")
    assert time.process_time() - start < 1 or sys.gettrace()  # but for the coverage tracer
    return outcome
