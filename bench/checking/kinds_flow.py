"""Kinds of functions that are hard in their control flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checking.expressions import Writer


def arithmetic(w: Writer) -> str:
    """Return a leaf or near leaf over narrow and wide integers."""
    types = [w.pick("long", "int", "short", "unsigned char", "uint64_t", "_Bool") for _ in range(6)]
    count = w.number(1, 6)
    names = [f"a{i}" for i in range(count)]
    listed = ", ".join(f"{t} {n}" for t, n in zip(types, names, strict=False))
    result = w.pick("long", "int", "unsigned short", "_Bool", "uint64_t")
    body = w.statements(names, w.number(2, 6))
    return f"{result} {w.name()}({listed}) {{\n{body}\nreturn {w.expr(names)};\n}}\n"


def recursion(w: Writer) -> str:
    """Return two functions that call each other and themselves."""
    one, two = w.name(), w.name()
    return f"""\
long {two}(long n, long m);
long {one}(long n) {{
    if (n < {w.number(1, 4)}) return {w.expr(["n"], 1)};
    return {one}(n - 1) {w.pick("+", "^", "-")} {two}(n - 2, {w.expr(["n"])});
}}
long {two}(long n, long m) {{
    if (n <= 0 || m > {w.number(5, 5000)}) return m;
    {w.statements(["n", "m"], 2)}
    return {w.pick(f"{one}(m & 7)", f"{two}(n - 1, m + 1)", f"{one}(n - 1) * m")};
}}
"""


def dense_switch(w: Writer) -> str:
    """Return a switch that becomes a jump table, maybe in a loop, maybe with a hole or none."""
    cases = range(w.number(-3, 0), w.number(5, 24))
    lines = []
    for value in cases:
        if w.chance(0.1):
            continue
        ending = w.pick("break;", "break;", "return x;", "")
        lines.append(f"case {value}: {w.statements(['x', 'k'], 1, 1)} {ending}")
    default = w.pick("default: __builtin_unreachable();", "default: x++;", "")
    body = "\n".join(lines)
    selector = w.pick("k", "k & 31", "(unsigned char)k", "shared[k & 63]")
    loop = w.pick("", f"for (int r = 0; r < {w.number(2, 9)}; r++, k += x)")
    return f"long {w.name()}(long x, int k) {{\n{loop} switch ({selector}) {{\n{body}\n{default}\n}}\nreturn x;\n}}\n"


def sparse_switch(w: Writer) -> str:
    """Return a switch over far values, with another one inside."""
    values = sorted({w.number(-100_000, 100_000) for _ in range(w.number(4, 14))})
    lines = [f"case {v}: {w.statements(['x', 'k'], 1, 1)} break;" for v in values]
    inner = "".join(f"case {i}: x += {w.constant()}; break;\n" for i in range(w.number(5, 12)))
    lines.append(f"default: switch (x & 15) {{ {inner} }}")
    body = "\n".join(lines)
    return f"long {w.name()}(long x, int k) {{\nswitch (k) {{\n{body}\n}}\nreturn x ^ k;\n}}\n"


def string_switch(w: Writer) -> str:
    """Return a scanner: a state machine over bytes."""
    states = w.number(3, 7)
    lines = []
    for state in range(states):
        letters = w.rng.sample(range(33, 126), w.number(2, 9))
        inner = "".join(f"case {c}: state = {w.number(0, states)}; break;\n" for c in letters)
        lines.append(f"case {state}: switch (*s) {{ {inner} default: n += {state}; }} break;")
    body = "\n".join(lines)
    return f"""\
int {w.name()}(const char *s, int n) {{
    int state = n & 3;
    for (; *s; s++) switch (state) {{
    {body}
    default: return -1;
    }}
    return n + state;
}}
"""


def computed_goto(w: Writer) -> str:
    """Return an interpreter with a table of labels."""
    count = w.number(3, 9)
    labels = ", ".join(f"&&l{i}" for i in range(count))
    body = "\n".join(
        f"l{i}: {w.statements(['x', 'y'], 1, 1)} goto *where[*code++ % {count}];"
        for i in range(count)
    )
    return f"""\
long {w.name()}(const unsigned char *code, long x) {{
    static const void *const where[] = {{ {labels}, &&done }};
    long y = x;
    if (!*code) goto done;
    goto *where[*code++ % {count}];
    {body}
done:
    return x + y;
}}
"""


def cold_path(w: Writer) -> str:
    """Return a function with parts that a compiler moves to .text.unlikely."""
    cold = w.name()
    bad = w.pick("out_fatal", "abort_with", "give_up")
    stop = f'out_fatal("{bad}")' if w.chance(0.6) else "abort()"
    return f"""\
__attribute__((cold, noinline)) void {cold}(long n, const char *what) {{
    fprintf(stderr, "%ld %s\\n", n, what);
    {w.pick("", "exit(1);", "abort();")}
}}
long {w.name()}(long a, long b, const char *s) {{
    {w.statements(["a", "b"], 2)}
    if (__builtin_expect(a == {w.constant()}, 0)) {{ {cold}(a, s); {stop}; }}
    if (__builtin_expect(!s, 0)) {{ {cold}(b, "null"); b = {w.expr(["a", "b"])}; }}
    {w.statements(["a", "b"], 2)}
    return a - b;
}}
"""


def noreturn(w: Writer) -> str:
    """Return functions that do not return, and callers that end in them."""
    own = w.name()
    declared = w.pick("__attribute__((noreturn)) ", "")
    ends = w.pick(
        "exit(n & 127);", "for (;;) pause();", "__builtin_trap();", "_exit(2);", 'out_fatal("x");',
        "while (1) flag++;",
    )  # fmt: skip
    return f"""\
{declared}__attribute__((noinline)) void {own}(int n) {{
    shared[0] = n;
    {ends}
}}
int {w.name()}(int n, char *p) {{
    if (n {w.pick("<", ">", "==")} {w.number(-5, 90)}) {own}(n);
    {w.pick("", "if (!p) __builtin_unreachable();", "if (*p == 3) " + own + "(*p);")}
    return n * *p;
}}
int {w.name()}(int n) {{
    switch (n) {{ case 1: return 7; case 2: return flag; default: {own}(n); }}
    return 0;
}}
"""


def endless(w: Writer) -> str:
    """Return a loop without an exit, or with one through a call only."""
    ending = w.pick("out_long(n);", "if (flag) exit(0);", "if (n == 7) abort();", "")
    return f"void {w.name()}(long n) {{ for (;;) {{ {w.statements(['n'], 2)} flag = n; {ending} }} }}\n"


def setjmp_user(w: Writer) -> str:
    """Return a function that setjmp returns to twice, and one that jumps there."""
    here = w.object()
    return f"""\
jmp_buf {here};
long {w.name()}(long a, long b) {{
    volatile long kept = a;
    {w.pick("char text[" + str(w.number(8, 300)) + "]; out_void(text);", "")}
    switch ({w.pick("setjmp", "_setjmp")}({here})) {{
    case 0: kept += out_long(b); break;
    case 1: return kept;
    default: b++;
    }}
    {w.statements(["a", "b"], 2)}
    return kept + a - b;
}}
void {w.name()}(int how) {{ if (how > {w.number(0, 9)}) longjmp({here}, how); flag = how; }}
"""


def signal_handler(w: Writer) -> str:
    """Return a handler and what installs it."""
    handler = w.name()
    return f"""\
void {handler}(int signal, siginfo_t *info, void *context) {{
    {w.pick("flag = signal;", "ucontext_t *u = context; shared[0] = u->uc_mcontext.gregs[REG_RIP];")}
    if (info && info->si_code {w.pick("<", ">")} 0) write(2, "x", 1);
    {w.pick("", "_exit(3);", "raise(signal);")}
}}
int {w.name()}(int which) {{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = {handler};
    action.sa_flags = SA_SIGINFO | {w.pick("SA_ONSTACK", "SA_RESTART", "SA_NODEFER")};
    sigemptyset(&action.sa_mask);
    return sigaction(which, &action, NULL);
}}
"""


def coroutine(w: Writer) -> str:
    """Return two contexts that hand control to each other."""
    back, forth, body = w.object(), w.object(), w.name()
    return f"""\
static ucontext_t {back}, {forth};
void {body}(void) {{
    for (int i = 0; i < {w.number(3, 30)}; i++) {{
        shared[i] += i;
        swapcontext(&{forth}, &{back});
    }}
}}
int {w.name()}(void *stack, size_t size) {{
    if (getcontext(&{forth}) < 0) return -1;
    {forth}.uc_stack.ss_sp = stack;
    {forth}.uc_stack.ss_size = size;
    {forth}.uc_link = &{back};
    makecontext(&{forth}, {body}, 0);
    while (flag < {w.number(2, 20)}) swapcontext(&{back}, &{forth});
    return flag;
}}
"""


def inline_assembly(w: Writer) -> str:
    """Return a function with instructions of its own."""
    what = w.pick(
        'unsigned b, c, d; __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d)); a ^= b ^ c ^ d;',
        'unsigned lo, hi; __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)); a += lo ^ hi;',
        'void *d = shared; long n = 8; __asm__ volatile("rep stosq" : "+D"(d), "+c"(n) : "a"(0L) : "memory");',
        'unsigned char z; __asm__("btq %2, %1\\n\\tsetc %0" : "=r"(z) : "r"((long)a), "r"(3L)); a += z;',
        '__asm__ volatile("" ::: "rbx", "r12", "r13", "memory"); a++;',
        '__asm__ volatile("lock; xaddl %0, %1" : "+r"(a), "+m"(flag) :: "memory");',
        '__asm__ volatile("pause; mfence" ::: "memory");',
    )
    return f"unsigned {w.name()}(unsigned a) {{ {what}\nreturn a; }}\n"


KINDS = (
    arithmetic, recursion, dense_switch, sparse_switch, string_switch, computed_goto, cold_path,
    noreturn, endless, setjmp_user, signal_handler, coroutine, inline_assembly,
)  # fmt: skip
