"""Kinds of functions that are hard in their frames, registers and types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checking.expressions import Writer


def alloca_and_vla(w: Writer) -> str:
    """Return frames whose size is known only when they run."""
    return f"""\
long {w.name()}(int n, long x) {{
    char *p = alloca(n {w.pick("", "+ 8", "* 3")});
    memset(p, 1, n);
    out_void(p);
    {w.statements(["x"], 2)}
    return x + p[n / 2];
}}
double {w.name()}(int n, double x) {{
    double rows[n][{w.number(2, 5)}];
    for (int i = 0; i < n; i++) rows[i][0] = x * i;
    out_void(rows);
    if (n > {w.number(4, 99)}) {{ char more[n * 2]; out_void(more); x += more[n]; }}
    return rows[n - 1][1] + x;
}}
long {w.name()}(int n) {{
    long sum = 0;
    for (int i = 1; i < n; i++) {{
        long part[i];
        out_void(part);
        sum += part[i - 1];
        {w.pick("", "if (sum < 0) break;", "if (sum == 7) continue;", "if (!sum) return i;")}
    }}
    return sum;
}}
"""


def big_frame(w: Writer) -> str:
    """Return a frame of several pages, and one with a buffer that a protector watches."""
    return f"""\
int {w.name()}(const char *s) {{
    char text[{w.number(2000, 70000)}];
    {w.pick("strcpy(text, s);", "memset(text, 0, sizeof text);", "text[0] = *s;")}
    out_void(text);
    return text[{w.number(0, 900)}];
}}
int {w.name()}(int fd) {{
    char text[{w.number(8, 700)}];
    ssize_t got = read(fd, text, sizeof text);
    if (got < 0) return -1;
    {w.pick("", "if (got == 0) abort();")}
    return text[got / 2];
}}
"""


def aligned_frame(w: Writer) -> str:
    """Return a frame that is realigned, alone and with alloca."""
    return f"""\
float {w.name()}(const float *p, int n) {{
    float part[{w.number(8, 40)}] __attribute__((aligned({w.pick("32", "64", "128")})));
    for (int i = 0; i < 8; i++) part[i] = p[i] * n;
    {w.pick("out_void(part);", "out_void(alloca(n)); out_void(part);")}
    return part[n & 7];
}}
long {w.name()}(long a, long b, long c, long d, long e, long f, long g, long h) {{
    long kept[4] __attribute__((aligned(64))) = {{ a, b, g, h }};
    out_void(kept);
    {w.statements(["c", "d", "e", "f"], 2)}
    return kept[c & 3] + g + h;
}}
"""


def doubles(w: Writer) -> str:
    """Return floating point of all widths."""
    return f"""\
double {w.name()}(double x, float y, int n) {{
    double sum = {w.real(["x", "y", "n"])};
    for (int i = 0; i < n; i++) sum {w.pick("+=", "*=", "-=")} {w.real(["x", "sum", "i"])};
    return {w.pick("sum", "out_double(sum)", "sin(sum) + x", "pow(sum, x)")};
}}
long double {w.name()}(long double x, long n) {{
    {w.pick("x *= n;", "if (x > n) return -x;", "x = sqrtl(x) + n;", "x = (long double)(long)x;")}
    return {w.pick("x", "x / 3", "fabsl(x)", "x * x - n")};
}}
float {w.name()}(float x, unsigned long n) {{
    return {w.pick("x + n", "(float)n / x", "sqrtf(x) * n", "(unsigned long)x ^ n")};
}}
"""


def complex_numbers(w: Writer) -> str:
    """Return complex arithmetic; its results take two registers or st0 and st1."""
    return f"""\
double complex {w.name()}(double complex a, double complex b) {{
    return {w.pick("a * b", "a / b", "a + conj(b)", "cexp(a) - b")};
}}
float complex {w.name()}(float complex a, float x) {{ return {w.pick("a * x", "a + x", "a - a * a")}; }}
long double complex {w.name()}(long double complex a) {{ return {w.pick("a + 1", "a", "conjl(a)")}; }}
"""


def wide_integers(w: Writer) -> str:
    """Return arithmetic on __int128 and on __float128."""
    return f"""\
__int128 {w.name()}(__int128 a, long b, unsigned __int128 c) {{
    return {w.pick("a * b + (__int128)c", "a / b", "a << (b & 127)", "(a ^ b) - c", "c % 7 + a")};
}}
uint64_t {w.name()}(uint64_t a, uint64_t b, uint64_t *high) {{
    unsigned __int128 p = (unsigned __int128)a * b;
    *high = p >> 64;
    return p {w.pick("", "+ a", "^ b")};
}}
"""


def vectors(w: Writer) -> str:
    """Return vectors as values, passed and returned."""
    kind, other = w.pick("v4i", "v2d", "v4f", "v16b"), w.pick("v4i", "v2d")
    operator = w.pick("+", "-", "*")
    return f"""\
{kind} {w.name()}({kind} a, {kind} b, {other} c, {other} *p) {{
    *p = c {operator} c;
    {w.pick("", "out_void(p);")}
    return a {operator} b;
}}
{kind} {w.name()}(const {kind} *p, int n) {{
    {kind} sum = p[0];
    for (int i = 1; i < n; i++) sum {w.pick("+=", "-=")} p[i];
    return sum;
}}
"""


def loops(w: Writer) -> str:
    """Return loops that are vectorised where that is switched on."""
    kind = w.pick("float", "double", "int", "short", "unsigned char", "long")
    return f"""\
void {w.name()}({kind} *restrict a, const {kind} *restrict b, const {kind} *c, int n) {{
    for (int i = 0; i < n; i++) a[i] = b[i] {w.pick("+", "*", "-")} c[{w.pick("i", "i * 2", "0")}];
    {w.pick("", "out_void(a);", "for (int i = 0; i < n; i++) a[i] += 3;")}
}}
{kind} {w.name()}(const {kind} *a, int n) {{
    {kind} sum = 0;
    for (int i = 0; i < n; i++) {w.pick("sum += a[i];", "if (a[i] > sum) sum = a[i];", "sum += a[i] * a[i];")}
    return sum;
}}
void {w.name()}(double (*a)[8], double (*b)[8], double (*c)[8]) {{
    for (int i = 0; i < 8; i++) for (int j = 0; j < 8; j++) {{
        double sum = 0;
        for (int k = 0; k < 8; k++) sum += a[i][k] * b[k][j];
        c[i][j] = sum;
    }}
}}
"""


def spills(w: Writer) -> str:
    """Return more live values than registers, across calls."""
    names = [f"v{i}" for i in range(w.number(12, 22))]
    loads = "\n".join(f"long {n} = p[{i}];" for i, n in enumerate(names))
    stores = "\n".join(f"p[{i}] = {n};" for i, n in enumerate(names))
    return f"""\
long {w.name()}(long *p, int n) {{
    {loads}
    for (int r = 0; r < n; r++) {{ {w.statements(names, 4)} }}
    {w.pick("", "v0 = out_long(v1);")}
    {stores}
    return v0;
}}
"""


def bits(w: Writer) -> str:
    """Return bit-fields, unions, bit counts and rotations."""
    fields = w.object()
    widths = [w.number(1, 31) for _ in range(4)]
    listed = " ".join(f"unsigned b{i} : {n};" for i, n in enumerate(widths))
    return f"""\
typedef struct {{ {listed} }} {fields};
unsigned {w.name()}({fields} *p, unsigned x) {{
    p->b{w.number(0, 3)} = x;
    p->b{w.number(0, 3)}++;
    return p->b0 + p->b2;
}}
int {w.name()}(uint64_t x, int n) {{
    x = (x << (n & 63)) | (x >> (-n & 63));
    return {w.pick("__builtin_popcountll(x)", "__builtin_ctzll(x | 1)", "__builtin_clzll(x | 1)", "__builtin_bswap64(x) > 3")};
}}
"""


def thread_local(w: Writer) -> str:
    """Return thread-local data, its own and somebody else's."""
    own, theirs = w.object(), w.object()
    return f"""\
__thread long {own}{w.pick("", " = 3")};
extern __thread char {theirs}[{w.number(8, 64)}];
long {w.name()}(long x) {{ {own} += x; return out_long({own}) + {theirs}[x & 7]; }}
long *{w.name()}(void) {{ return &{own}; }}
"""


def atomics(w: Writer) -> str:
    """Return atomic operations and loops of compare and exchange."""
    order = w.pick("__ATOMIC_SEQ_CST", "__ATOMIC_RELAXED", "__ATOMIC_ACQUIRE")
    return f"""\
long {w.name()}(long *p, long x) {{
    long old = __atomic_load_n(p, {order});
    while (!__atomic_compare_exchange_n(p, &old, old {w.pick("+", "|", "^")} x, {w.pick("0", "1")},
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return {w.pick("old", "__atomic_fetch_add(p, x, __ATOMIC_SEQ_CST)", "__atomic_exchange_n(p, x, __ATOMIC_SEQ_CST)")};
}}
"""


KINDS = (
    alloca_and_vla, big_frame, aligned_frame, doubles, complex_numbers, wide_integers, vectors,
    loops, spills, bits, thread_local, atomics,
)  # fmt: skip
