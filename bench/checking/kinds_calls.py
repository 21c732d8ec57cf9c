"""Kinds of functions that are hard in how they call and are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checking.expressions import Writer

STRUCTS = ("s1", "s8", "s16", "d16", "f12", "s24", "s40", "s32", "sn")


def varargs(w: Writer) -> str:
    """Return a variadic function and callers of variadic ones."""
    name = w.name()
    kind = w.pick("long", "int", "double", "s24", "s16", "void *", "d16")
    use = {"s24": "v.b", "s16": "v.a", "void *": "v != 0", "d16": "v.a"}.get(kind, "v")
    forms = ", ".join(
        w.pick("flag", "1.5", "shared[2]", '"x"', "(long)flag") for _ in range(w.number(0, 9))
    )
    return f"""\
long {name}(int n, const char *form, ...) {{
    va_list list{w.pick("", ", other")};
    long sum = 0;
    va_start(list, form);
    while (n-- > 0) {{ {kind} v = va_arg(list, {kind}); sum += {use}; }}
    {w.pick("", "vfprintf(stderr, form, list);")}
    va_end(list);
    return sum;
}}
int {w.name()}(double x, long n) {{
    out_varargs("%d"{", " + forms if forms else ""});
    {w.pick('printf("%g %ld", x, n);', f"shared[0] = {name}(2, 0, x, n);")}
    return {w.pick("0", 'snprintf((char *)shared, 64, "%f", x)')};
}}
"""


def structs_by_value(w: Writer) -> str:
    """Return functions that take, return and pass on structures."""
    a, b, c = (w.pick(*STRUCTS) for _ in range(3))
    name = w.name()
    return f"""\
{a} {name}({a} x, int n, {b} y, {c} z) {{
    {w.pick("", "out_void(&y);", "out_void(&x);", "out_void(&z);")}
    if (n > {w.number(0, 99)}) memcpy(&x, &z, sizeof x < sizeof z ? sizeof x : sizeof z);
    else if (n < 0) memset(&x, n, sizeof x);
    return x;
}}
{a} {w.name()}({a} *p, {b} y, const {c} *z) {{
    {a} got = {name}(*p, {w.number(-9, 120)}, y, *z);
    {w.pick("*p = got;", "out_void(p);", f"got = {name}(got, 1, y, z[1]);")}
    return got;
}}
s24 {w.name()}(s24 s, s16 t) {{
    t = out_s16(t);
    s.a += t.a;
    {w.pick("return out_s24(s, (int)t.b);", "s.c ^= 5; return s;", "return out_s24(s, 1);")}
}}
"""


def many_arguments(w: Writer) -> str:
    """Return a function with arguments on the stack, and a caller."""
    count = w.number(7, 14)
    types = [
        w.pick("long", "int", "double", "float", "char", "s24", "long double") for _ in range(count)
    ]
    listed = ", ".join(f"{t} a{i}" for i, t in enumerate(types))
    values = [f"a{i}{'.b' if t == 's24' else ''}" for i, t in enumerate(types)]
    name = w.name()
    arguments = ", ".join(
        {"s24": "*s", "double": "d", "float": "(float)d", "long double": "d"}.get(t, "n")
        for t in types
    )
    return f"""\
long {name}({listed}) {{ return (long)({" + ".join(values)}); }}
long {w.name()}(s24 *s, double d, long n) {{
    n += {name}({arguments});
    {w.pick("", "d = out_double(d);")}
    return n {w.pick("+", "-")} {name}({arguments});
}}
"""


def tail_calls(w: Writer) -> str:
    """Return sibling calls: direct, through a pointer, through a table, with stack arguments."""
    one, two = w.name(), w.name()
    return f"""\
__attribute__((noinline)) long {one}(long a, long b) {{
    shared[a & 63] = b;
    return {w.pick("out_long(a - b)", "table[a & 15](b)", "a")};
}}
long {two}(long a, long b, unary f) {{
    if ({w.test(["a", "b"])}) return {one}(b, a);
    {w.statements(["a", "b"], 1)}
    return f({w.expr(["a", "b"])});
}}
void {w.name()}(void *p, void (*f)(void *)) {{
    if (p) {w.pick("out_void(p);", "free(p);")}
    f(p);
}}
long {w.name()}(long a, long b, long c, long d, long e, long f, long g, long h, binary t) {{
    return t(a + h, {w.pick("g", "b * c", "d - e + f")});
}}
"""


def pointers(w: Writer) -> str:
    """Return calls through pointers: a comparison for qsort, tables, callbacks with state."""
    compare, step = w.name(), w.name()
    return f"""\
int {compare}(const void *a, const void *b) {{
    const {w.pick("long", "int", "double")} *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}}
void {w.name()}(void *base, size_t n) {{ qsort(base, n, {w.pick("8", "16")}, {compare}); }}
long {step}(long x) {{ return {w.expr(["x"])}; }}
long {w.name()}(long n, unary f) {{
    static const unary steps[] = {{ {step}, labs, out_long, {step} }};
    long sum = 0;
    for (long i = 0; i < n; i++) {{ sum += steps[i & 3](sum); if (f) sum ^= f(i); }}
    return sum;
}}
"""


def local_callees(w: Writer) -> str:
    """Return static functions that the compiler may clone and call by a convention of its own."""
    one, two = w.name(), w.name()
    return f"""\
static __attribute__((noinline)) long {one}(long *p, int n, double x) {{
    {w.pick("", "if (n == 3) return 0;")}
    for (int i = 0; i < n; i++) p[i] = (long)(x * i) {w.pick("+", "^")} p[i];
    return p[n];
}}
static __attribute__((noinline)) int {two}(int a, int unused, int b) {{
    (void)unused;
    return {w.expr(["a", "b"])} > 3;
}}
long {w.name()}(long *p, double x) {{
    long sum = {one}(p, {w.number(2, 9)}, x) + {two}(flag, 1, 2);
    {w.statements(["sum"], 2)}
    return sum + {one}(p + 1, {w.number(2, 9)}, x / 2);
}}
int {w.name()}(int a, long *p) {{
    if ({two}(a, 0, (int)p[0])) return (int){one}(p, a, 1.0);
    return {two}((int)p[1], 5, a);
}}
"""


def cleanup(w: Writer) -> str:
    """Return a scope whose end calls something, on every way out."""
    done = w.name()
    return f"""\
void {done}(char **p) {{ free(*p); }}
int {w.name()}(size_t n) {{
    __attribute__((cleanup({done}))) char *p = malloc(n);
    if (!p) return -1;
    {w.pick("out_void(p);", "memset(p, 3, n);")}
    if (n > {w.number(5, 90)}) return p[1];
    return (int)out_long(p[0]);
}}
"""


def nested(w: Writer) -> str:
    """Return a nested function, where the compiler has them: its frame comes in r10.

    Its address is never taken: that needs an executable stack, which is rightly reported.
    """
    return f"""\
long {w.name()}(long n) {{
    long sum = n;
#ifndef __clang__
    long add(long x) {{ sum += x; return {w.pick("sum", "x", "x * n")}; }}
    {w.pick("sum ^= add(3);", "for (long i = 0; i < n; i++) sum ^= add(i) + add(sum);")}
#endif
    return sum;
}}
"""


def libc_calls(w: Writer) -> str:
    """Return calls of functions that compilers know: some inline, some with a known result."""
    return f"""\
char *{w.name()}(const char *s, size_t n) {{
    size_t len = {w.pick("strlen(s)", "strnlen(s, n)")};
    char *p = malloc(len + {w.number(1, 30)});
    if (!p) return NULL;
    memcpy(p, s, len);
    p[len] = 0;
    {w.pick("for (char *q = p; *q; q++) *q ^= 32;", "memset(p, 'x', 16);", "strcat(p, s);")}
    return {w.pick("p", "strchr(p, 46)", "memchr(p, 3, len)", "realloc(p, n)")};
}}
int {w.name()}(const char *a, const char *b) {{
    {w.pick("if (!strcmp(a, b)) return 1;", "if (!memcmp(a, b, 8)) return 2;")}
    return {w.pick("atoi(a)", "(int)strtol(b, NULL, 10)", "puts(a)")};
}}
"""


KINDS = (
    varargs, structs_by_value, many_arguments, tail_calls, pointers, local_callees, cleanup, nested,
    libc_calls,
)  # fmt: skip
