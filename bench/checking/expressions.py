"""Random C expressions and statements, and names for what holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

HEADER = """\
#define _GNU_SOURCE
#include <alloca.h>
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

typedef long (*unary)(long);
typedef long (*binary)(long, long);
typedef struct { char c; } s1;
typedef struct { int a; float b; } s8;
typedef struct { long a; double b; } s16;
typedef struct { double a, b; } d16;
typedef struct { float a, b, c; } f12;
typedef struct { long a, b, c; } s24;
typedef struct { char text[37]; short n; } s40;
typedef struct { long double x; int n; } s32;
typedef struct { int64_t n; struct { short h[3]; char c; } in; } sn;
typedef int v4i __attribute__((vector_size(16)));
typedef double v2d __attribute__((vector_size(16)));
typedef float v4f __attribute__((vector_size(16)));
typedef unsigned char v16b __attribute__((vector_size(16)));

extern long out_long(long);
extern void out_void(void *);
extern double out_double(double);
extern int out_varargs(const char *, ...);
extern void out_fatal(const char *) __attribute__((noreturn));
extern s24 out_s24(s24, int);
extern s16 out_s16(s16);
extern long shared[64];
extern volatile int flag;
extern unary table[16];

"""

LONG = ("+", "-", "*", "&", "|", "^")
COMPARE = ("<", ">", "<=", ">=", "==", "!=")


class Writer:
    """Names and random pieces; `functions` counts the functions that were named."""

    def __init__(self, rng: random.Random, prefix: str) -> None:
        self.rng = rng
        self.prefix = prefix
        self.functions = 0
        self.objects = 0

    def name(self) -> str:
        """Return the name of the next function."""
        self.functions += 1
        return f"{self.prefix}_f{self.functions}"

    def object(self) -> str:
        """Return the name of the next object or type."""
        self.objects += 1
        return f"{self.prefix}_o{self.objects}"

    def pick(self, *choices: str) -> str:
        """Return one of the choices."""
        return self.rng.choice(choices)

    def number(self, low: int, high: int) -> int:
        """Return a number in low..high."""
        return self.rng.randint(low, high)

    def chance(self, share: float) -> bool:
        """Tell, with probability `share`, that something is so."""
        return self.rng.random() < share

    def constant(self) -> str:
        """Return an integer constant: small, a power of two, or wide."""
        match self.number(0, 3):
            case 0 | 1:
                return str(self.number(-20, 200))
            case 2:
                return f"(1L << {self.number(0, 40)})"
            case _:
                return f"{self.number(-(1 << 40), 1 << 40)}L"

    def expr(  # noqa: PLR0911 -- a return a form
        self, names: list[str], depth: int = 2
    ) -> str:
        """Return an expression of type long over variables of integer types."""
        if depth == 0 or self.chance(0.15):
            return self.rng.choice(names) if self.chance(0.75) else self.constant()
        left, right = self.expr(names, depth - 1), self.expr(names, depth - 1)
        match self.number(0, 9):
            case 0:
                return f"({left} / (({right} & 15) + 1))"
            case 1:
                return f"({left} % {self.number(2, 300)})"
            case 2:
                return f"({left} {self.pick('<<', '>>')} ({right} & 31))"
            case 3:
                return f"({left} {self.rng.choice(COMPARE)} {right} ? {left} : {right})"
            case 4:
                return f"(long)({self.pick('int', 'short', 'unsigned char', 'unsigned')})({left})"
            case _:
                return f"({left} {self.rng.choice(LONG)} {right})"

    def real(self, names: list[str], depth: int = 2) -> str:
        """Return an expression of type double over variables of arithmetic types."""
        if depth == 0:
            return self.rng.choice(names) if self.chance(0.8) else f"{self.number(1, 99) / 8}"
        left, right = self.real(names, depth - 1), self.real(names, depth - 1)
        match self.number(0, 7):
            case 0:
                return f"({left} > {right} ? {left} : {right})"
            case 1:
                return f"{self.pick('sqrt', 'fabs', 'floor')}({left})"
            case 2:
                return f"(double)({self.pick('int', 'long', 'float')})({left})"
            case _:
                return f"({left} {self.pick('+', '-', '*', '/')} {right})"

    def test(self, names: list[str]) -> str:
        """Return a condition."""
        plain = f"{self.expr(names, 1)} {self.rng.choice(COMPARE)} {self.expr(names, 1)}"
        if self.chance(0.3):
            return f"({plain}) {self.pick('&&', '||')} {self.expr(names, 1)}"
        return plain

    def statements(self, names: list[str], count: int, depth: int = 2) -> str:
        """Return statements that read and write the variables; they declare none of these."""
        return "\n".join(self._statement(names, depth) for _ in range(count))

    def _statement(  # noqa: PLR0911 -- a return a form
        self, names: list[str], depth: int
    ) -> str:
        target = self.rng.choice(names)
        if depth == 0:
            return f"{target} = {self.expr(names)};"
        inner = self.statements(names, self.number(1, 2), depth - 1)
        match self.number(0, 10):
            case 0 | 1:
                return f"if ({self.test(names)}) {{ {inner} }}"
            case 2:
                other = self.statements(names, 1, depth - 1)
                return f"if ({self.test(names)}) {{ {inner} }} else {{ {other} }}"
            case 3:
                counter = f"i{self.number(0, 999)}_{depth}"
                head = f"int {counter} = 0; {counter} < {self.number(2, 40)}; {counter}++"
                return f"for ({head}) {{ {inner} }}"
            case 4:
                return f"{target} += out_long({self.expr(names)});"
            case 5:
                return f"shared[{target} & 63] = {self.expr(names)};"
            case 6:
                return f"{target} ^= shared[({self.expr(names, 1)}) & 63];"
            case 7:
                return f"while (flag > {self.number(1, 9)}) {{ {inner} }}"
            case _:
                return f"{target} = {self.expr(names)};"
