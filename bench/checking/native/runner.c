/* Executes mutants: each in a child process, on inputs and under two kinds of junk.
 *
 * Reads lines `ID UNIT OFFSET HEX` (bytes to put at the unit's anchor + OFFSET; HEX `-`: none) and
 * prints `ID VERDICT DETAIL`. VERDICT is
 *   violates     a rule of the ABI is broken, or the outcome depends on junk
 *   same, other  every input was run without that; the results are those of the original, or not
 *   unreached    no input executes the byte at OFFSET
 *   endless      the same, but it does not end on several inputs: these are compared, each after a
 *                number of instructions, and the rest is left out
 *   hangs        it takes too long to be judged
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "inputs.h"

enum { STACK = 1 << 18, CALLER = 512, FUNCTIONS = 8, FLAGGED = 200 };
enum { LIMIT = 10000, STEPS = 1000, HANGS = 6 }; /* microseconds; instructions; such inputs of a function */
enum { FILLS = 128, WINDOW = 8192, SETTLED = 8 }; /* most fillings, bytes of each, how often they are compared */
enum { ENDS = 1000, STOPPED = 1001, TRAP = 0x100 };
static const uint64_t ROOM = 1ul << 33; /* bytes below the stack that it would overflow into */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

typedef struct {
    void *target;
    uint64_t sp, flags, gpr[16];
    unsigned char ymm[16][32];
    uint64_t out_sp, out_flags, out_gpr[16], out_xmm[2][2];
    uint32_t out_mxcsr, out_fcw;
    uint64_t out_ftw;
} state;

typedef struct {
    void *real;
    const char *arguments;
    uint64_t result;
} entry;

typedef struct {
    char verdict[12];
    char detail[100];
    int function, input; /* which executes the changed instruction */
} answer;

typedef struct {
    char *at;
    unsigned char bytes[64];
    int count;
} patch;

typedef struct {
    int size;
    unsigned char junk[WINDOW]; /* whether each byte was, from the pointer on */
} filled_by;

typedef struct {
    int signal;
    uint64_t rip, address;
    uint64_t hash;
} outcome;

extern state judge_state;
extern uint64_t judge_junk[32], judge_arguments[14], judge_call_sp, judge_call_flags, judge_flags;
extern entry *judge_entry;
extern volatile unsigned char judge_inside;
extern void judge_call(void);
extern long x_out_long(long);

/* What the units read and write besides their arguments. */
typedef long (*unary)(long);
long shared[64];
volatile int flag;
unary table[16];

static char *stack_top;
static uint64_t log_hash;
static uint64_t (*original)[FUNCTIONS][ALL]; /* results of each unit, shared by all children */
static const char *broken;
static sigjmp_buf escape;
static volatile sig_atomic_t running;
static volatile int steps; /* instructions left, where they are counted */
static volatile siginfo_t caught;
static volatile uint64_t caught_rip, caught_sp;
static struct { uint64_t from, to; } code[64];
static int codes;
static int seeded; /* which junk is in use */
static filled_by filled_in[2][FILLS];
static unsigned char filled_at[STACK]; /* which bytes of the stack a callee has filled */
static unsigned char set_at[FILLS][WINDOW]; /* what is set although it looks like junk under one seed */
static int fills, contested; /* how many in this run; from which on no byte is in `set_at` */
static uint64_t junk_stack[2][STACK / 16]; /* the upper half of the stack, full of it */
static answer *told;

/* ---- what units call ---- */
long real_out_long(long x) { return (long)(mix(5, (uint64_t)x) >> 20); }
double real_out_double(double x) { return x * 0.5 + 1; }
static void fill(unsigned char *p);
void real_out_void(void *p) { *(volatile char *)p = *(volatile char *)p; fill(p); }
void real_out_fatal(const char *p) { (void)p; siglongjmp(escape, ENDS); }

static uint64_t part(char letter, uint64_t value) {
    switch (letter) {
    case 'i': case 'f': return (uint32_t)value;
    case 'h': return (uint16_t)value;
    case 'c': case 'b': return (uint8_t)value;
    case 'v': return 0;
    default: return value; /* addresses too: whatever is mapped is mapped at the same place */
    }
}

/* Looks at a call of an external function: alignment, direction flag, arguments. */
void judge_look(void) {
    int integer = 0, real = 6;
    if (judge_call_sp & 15) broken = "the stack is misaligned at a call";
    if (judge_call_flags & 0x400) broken = "the direction flag is set at a call";
    log_hash = mix(log_hash, (uint64_t)judge_entry);
    for (const char *a = judge_entry->arguments; *a; a++) {
        uint64_t value = judge_arguments[*a == 'd' || *a == 'f' ? real++ : integer++];
        log_hash = mix(log_hash, part(*a, value));
    }
}

/* ---- faults ---- */
static void on_signal(int number, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    if (number == SIGTRAP && info->si_code == TRAP_TRACE) {
        int counts = running && !judge_inside; /* what is called may take more or fewer */
        if (!counts) u->uc_mcontext.gregs[REG_EFL] &= ~TRAP;
        if (!counts || --steps > 0) return;
        number = STOPPED;
    }
    if (!running) _exit(99);
    running = 0;
    caught.si_addr = number == SIGSEGV || number == SIGBUS ? info->si_addr : 0;
    caught.si_code = info->si_code;
    caught_rip = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
    caught_sp = (uint64_t)u->uc_mcontext.gregs[REG_RSP];
    siglongjmp(escape, number);
}

static void catch_signals(void) {
    static char alternate[1 << 16];
    stack_t where = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGVTALRM, SIGABRT, SIGSYS};
    sigaltstack(&where, NULL);
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

/* Tells whether a fault at `rip` is that of a `ret` whose target is no address. */
static int is_return(uint64_t rip) {
    const unsigned char *p = (const unsigned char *)rip;
    return *p == 0xc3 || *p == 0xc2 || (*p == 0xf3 && p[1] == 0xc3);
}

static void read_code_ranges(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], rights[8];
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[2] == 'x' && codes < 64)
            code[codes].from = from, code[codes++].to = to;
    }
    if (maps) fclose(maps);
}

static int is_code(uint64_t rip) {
    for (int i = 0; i < codes; i++) if (rip >= code[i].from && rip < code[i].to) return 1;
    return 0;
}

/* Tells whether the stack has overflowed: rsp is where the stack would go on. */
static int is_overflow(uint64_t sp) {
    return sp < (uint64_t)(stack_top - STACK) && sp >= (uint64_t)(stack_top - STACK) - ROOM;
}

/* ---- junk ---- */
/* Seed 0: no canonical address. Seed 1: one that is not mapped. The lowest and the highest bit of
 * each width differ, and each half is another one for each number. What
 * is in the stack, and what calls leave (1 to 31), differs in each byte from what saved registers hold. */
static uint64_t junk_of(int seed, int number) {
    uint64_t n = (uint64_t)number;
    int saved = number >= 40 && number < 60;
    uint32_t high = (uint32_t)((seed ? 0x1234 : saved ? 0xdead5a5a : 0xb6c35a5a) + n * 0x11);
    uint32_t low = (uint32_t)(0xc3c30003u + n * 0x11110008u) ^ (seed ? 0xd5c3a5e9u : 0) ^ (saved ? 0 : 1u << 26);
    return (uint64_t)high << 32 | low;
}

/* Carry, parity, adjust, zero, sign, and for each second input overflow: so that every condition
 * holds under one seed and not under the other. */
static uint64_t flags_of(int seed, int input) { return seed ? 0x2 : input & 1 ? 0x8d7 : 0xd7; }

static uint64_t stack_junk(int seed, void *word) { return junk_of(seed, 120 + (int)((uint64_t)word >> 3 & 7)); }

/* What a callee fills in: any number, or a small one of 64 bits. */
static uint32_t given(uint64_t place, int high) {
    uint32_t any = (uint32_t)(mix(place, (uint64_t)input_now) >> 32);
    return input_now % 4 ? any : high ? 0 : any % 16;
}

/* Writes what a callee may write through a pointer that it is given: each byte that nobody has set,
 * from there on in the caller's frame. A buffer that is passed to be filled is no junk afterwards.
 * A byte that is set may be the same as junk under one seed; it is not under both. */
static void fill(unsigned char *p) {
    unsigned char *end = (unsigned char *)stack_top - CALLER - 8;
    if (p < end - STACK || p >= end) return;
    if (fills == FILLS) siglongjmp(escape, ENDS);
    filled_by *call = &filled_in[seeded][fills];
    const unsigned char *set = set_at[fills++];
    for (int i = 0; i < WINDOW && p < end; p++, i++) {
        uint64_t place = (uint64_t)p, words[] = {stack_junk(seeded, p), judge_junk[1]};
        int at = (int)(place & 7);
        unsigned char value = (unsigned char)(given(place & ~3ul, at >> 2) >> 8 * (at & 3));
        unsigned char *was = &filled_at[p - (end - STACK)];
        int is_junk = *was && *p == value; /* or filled before */
        for (int k = 0; k < 2; k++) is_junk |= *p == (unsigned char)(words[k] >> 8 * at);
        call->junk[i] = (unsigned char)is_junk, call->size = i + 1;
        *was = is_junk;
        if (is_junk && !set[i]) *p = value;
    }
}

/* Notes what was junk under one seed alone when a callee filled it; tells whether that is news. */
static int disputed(void) {
    int news = 0;
    for (int call = 0; call < fills; call++) {
        const filled_by *one = &filled_in[0][call], *two = &filled_in[1][call];
        for (int i = 0; i < one->size && i < two->size; i++)
            if (one->junk[i] != two->junk[i] && !set_at[call][i]) {
                set_at[call][i] = 1, news = 1;
                if (contested <= call) contested = call + 1;
            }
    }
    return news;
}

/* ---- one call ---- */
static uint64_t narrow(char letter, uint64_t value, uint64_t junk) {
    switch (letter) {
    case 'i': case 'z': return (uint32_t)value | (junk & ~0xffffffffull);
    case 'h': return (uint32_t)(int16_t)value | (junk & ~0xffffffffull); /* callers extend to 32 */
    case 'c': return (uint8_t)value | (junk & ~0xffffffffull);
    case 'b': return (value & 1) | (junk & ~0xffffffffull);
    default: return value;
    }
}

static void prepare(const function *f, int input, int seed) {
    static const int order[] = {RDI, RSI, RDX, RCX, R8, R9};
    int integer = 0, real = 0, buffer = 0;
    uint64_t length = 0, *sp, words[64];
    int usual = input < INPUTS, count = 0, places = 0, place = 0, flagged = usual ? input - (INPUTS - FLAGGED) : -1, turn;
    state *s = &judge_state;
    memset(s, 0, sizeof *s);
    if (fills) memset(filled_at, 0, sizeof filled_at);
    seeded = seed, input_now = input, fills = 0;
    for (int i = 0; i < 32; i++) judge_junk[i] = junk_of(seed, i);
    for (int i = 0; i < 16; i++) {
        s->gpr[i] = junk_of(seed, 40 + i);
        for (int j = 0; j < 4; j++) ((uint64_t *)s->ymm[i])[j] = junk_of(seed, 60 + 4 * i + j);
    }
    memset(buffers, 0, BUFFERS * BUFFER); /* what an earlier run has left there is no input */
    dice_state = (uint64_t)input * 77 + 1;
    for (int i = 0; i < 64; i++) shared[i] = (long)(dice() % 2 ? dice() % 1000 : dice() % 32 - 4);
    flag = flagged < 0 && usual ? 0 : dice() % 2 ? 12 : (int)(dice() % 12);
    for (const char *a = f->arguments; *a; a++) places += !!strchr(NUMBERS, *a);
    turn = flagged >= 0 ? flagged : usual && input % 2 ? input / 2 : -1; /* each number in turn, in each place in turn */
    for (const char *a = f->arguments; *a; a++) {
        if (*a == 'm') { /* a structure of 24 bytes, in memory */
            for (int i = 0; i < 3; i++) words[count++] = dice() % 100;
            continue;
        }
        int its = turn >= 0 && strchr(NUMBERS, *a) && place++ == turn % places ? turn / places : -1;
        uint64_t value = value_of(*a, its, &buffer, &length);
        int vector = *a == 'd' || *a == 'f';
        if (vector && real < 8) memcpy(s->ymm[real++], &value, *a == 'd' ? 8 : 4);
        else if (!vector && integer < 6) {
            int number = order[integer++];
            s->gpr[number] = narrow(*a, value, s->gpr[number]);
        } else words[count++] = *a == 'f' ? (uint32_t)value | (junk_of(seed, 7) & ~0xffffffffull) : narrow(*a, value, junk_of(seed, 8));
    }
    memcpy(stack_top - STACK / 2, junk_stack[seed], STACK / 2);
    sp = (uint64_t *)(stack_top - CALLER) - (count + (count & 1));
    memcpy(sp, words, (size_t)count * 8);
    s->sp = (uint64_t)sp;
    s->flags = flags_of(seed, input) | (steps ? TRAP : 0);
    judge_flags = s->flags;
    s->target = f->address;
}

/* Runs one call, or `counted` instructions of it; sets `broken` if a rule of the ABI is. */
static outcome run(const function *f, int input, int seed, int counted) {
    static const int saved[] = {RBX, RBP, R12, R13, R14, R15};
    outcome o = {0};
    struct itimerval limit = {.it_value = {.tv_usec = counted ? 100 * LIMIT : LIMIT}}, none = {{0, 0}, {0, 0}};
    steps = counted;
    prepare(f, input, seed);
    log_hash = 1;
    judge_inside = 0;
    broken = NULL;
    o.signal = sigsetjmp(escape, 1);
    if (!o.signal) {
        setitimer(ITIMER_VIRTUAL, &limit, NULL);
        running = 1;
        judge_call();
    }
    running = steps = 0;
    setitimer(ITIMER_VIRTUAL, &none, NULL);
    __asm__ volatile("cld; fninit");
    state *s = &judge_state;
    if (o.signal) {
        o.rip = caught_rip;
        o.address = (uint64_t)caught.si_addr + (uint64_t)caught.si_code;
        if (o.signal == ENDS) o.rip = o.address = 0;
        else if (o.signal == STOPPED) o.address = 0;
        else if (is_overflow(caught_sp)) o.rip = o.address = 0;
        else if (o.signal != SIGVTALRM && o.signal != SIGTRAP) {
            if (!is_code(o.rip) || is_return(o.rip)) broken = "control left the code";
            else if (caught_sp < (uint64_t)(stack_top - STACK) || caught_sp >= (uint64_t)stack_top)
                broken = "the stack pointer left the stack";
        }
    } else {
        for (int i = 0; i < 6; i++) if (s->out_gpr[saved[i]] != junk_of(seed, 40 + saved[i])) broken = "a callee-saved register is changed";
        if (s->out_sp != s->sp) broken = "the stack pointer is not restored";
        if (s->out_flags & 0x400) broken = "the direction flag is set at return";
        if ((s->out_mxcsr & 0xffc0) != 0x1f80) broken = "MXCSR is changed";
        if (s->out_fcw != 0x37f) broken = "the x87 control word is changed";
        if (s->out_ftw) broken = "x87 registers are in use at return";
        o.hash = part(f->result, f->result == 'd' || f->result == 'f' ? s->out_xmm[0][0] : s->out_gpr[RAX]);
    }
    for (uint64_t *p = (uint64_t *)(stack_top - CALLER); p < (uint64_t *)stack_top; p++)
        if (*p != stack_junk(seed, p)) broken = "the caller's frame is overwritten";
    o.hash = mix(o.hash, log_hash);
    for (int i = 0; i < 64; i++) o.hash = mix(o.hash, (uint64_t)shared[i]);
    for (int i = 0; i < BUFFERS * BUFFER / 8; i++) o.hash = mix(o.hash, ((uint64_t *)buffers)[i]);
    return o;
}

/* ---- one mutant, in a child ---- */
static void tell(const char *verdict, const char *detail, const function *f, int input) {
    snprintf(told->verdict, sizeof told->verdict, "%s", verdict);
    snprintf(told->detail, sizeof told->detail, "%s (%s, input %d)", detail, f->name, input);
    _exit(0);
}

/* Runs one input under both kinds of junk; tells of a violation, else returns the first outcome. */
static outcome compared(const function *f, int input, int counted) {
    outcome one, two;
    const char *why;
    int round = 0;
    memset(set_at, 0, (size_t)contested * WINDOW), contested = 0;
    do {
        for (int call = 0; call < FILLS; call++) filled_in[0][call].size = filled_in[1][call].size = 0;
        one = run(f, input, 0, counted), why = broken;
        two = run(f, input, 1, counted);
    } while (disputed() && ++round < SETTLED);
    if (why || broken) tell("violates", why ? why : broken, f, input);
    if (one.signal == SIGVTALRM || two.signal == SIGVTALRM) {
        one.signal = SIGVTALRM;
        return one;
    }
    if (one.signal != two.signal || one.rip != two.rip || one.address != two.address)
        tell("violates", "how it ends depends on junk", f, input);
    if ((!one.signal || one.signal == STOPPED) && one.hash != two.hash)
        tell("violates", "the outcome depends on junk", f, input);
    return one;
}

enum { ENDLESS = 1, DIFFERS = 2 };

/* Compares a function of a unit on some inputs; tells whether it does not end on several of them,
 * and whether it comes to other results than the original. */
static int tried(int number, int k, int from, int to, int is_original) {
    const function *f = &units[number].functions[k];
    int hangs = 0, differs = 0;
    for (int input = from; input < to && hangs < HANGS; input++) {
        outcome one = compared(f, input, 0);
        if (one.signal == SIGVTALRM) {
            one = compared(f, input, STEPS);
            if (one.signal == SIGVTALRM) tell("hangs", "no end", f, input);
            hangs++;
        }
        uint64_t hash = mix(one.hash, (uint64_t)one.signal);
        if (is_original) original[number][k][input] = hash;
        else differs |= original[number][k][input] != hash;
    }
    return (hangs == HANGS ? ENDLESS : 0) | (differs ? DIFFERS : 0);
}

static void judge(int number, int is_original, const answer *reached) {
    const unit *u = current = &units[number];
    int seen = 0;
    if (!is_original && compared(&u->functions[reached->function], reached->input, 0).signal == SIGVTALRM)
        compared(&u->functions[reached->function], reached->input, STEPS);
    for (int k = 0; k < u->count; k++) {
        seen |= tried(number, k, 0, INPUTS, is_original);
        if (is_original || (reached->input >= INPUTS && k == reached->function))
            seen |= tried(number, k, INPUTS, ALL, is_original);
    }
    tell(seen & ENDLESS ? "endless" : seen & DIFFERS ? "other" : "same", "all inputs", &u->functions[0], INPUTS);
}

/* Looks for an input that executes a trap: first among the usual ones, then among those beyond. */
static void find(int number, int unused, const answer *none) {
    (void)unused, (void)none;
    const unit *u = current = &units[number];
    for (int beyond = 0; beyond < 2; beyond++)
        for (int k = 0; k < u->count; k++)
            for (int input = beyond ? INPUTS : 0; input < (beyond ? ALL : INPUTS); input++)
                if (run(&u->functions[k], input, input & 1, 0).signal == SIGTRAP) {
                    told->function = k, told->input = input;
                    tell("reached", "", &u->functions[k], input);
                }
    tell("unreached", "no input executes it", &u->functions[0], INPUTS);
}

/* Runs `what` in a child with the bytes in place; leaves its answer in `told`. */
static void in_child(void (*what)(int, int, const answer *), int number, int is_original, const patch *p) {
    int status;
    answer before = *told;
    fflush(stdout);
    memset(told, 0, sizeof *told);
    pid_t child = fork();
    if (!child) {
        alarm(60);
        if (p->count) memcpy(p->at, p->bytes, (size_t)p->count);
        what(number, is_original, &before);
        _exit(1);
    }
    waitpid(child, &status, 0);
    if (*told->verdict) return;
    int slow = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    snprintf(told->verdict, sizeof told->verdict, "%s", slow ? "hangs" : "violates");
    snprintf(told->detail, sizeof told->detail, "the process ended with status %#x", status);
}

int main(void) {
    char id[64], hex[128];
    int number;
    long offset;
    long page = sysconf(_SC_PAGESIZE);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    original = mmap(NULL, sizeof *original * (size_t)unit_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    buffers = mmap((void *)0x200000000, BUFFERS * BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    char *low = mmap((void *)0x300000000, STACK + (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mprotect(low, (size_t)page, PROT_NONE);
    stack_top = low + STACK + page;
    for (int i = 0; i < 16; i++) table[i] = x_out_long;
    for (int i = 0; i < STACK / 16; i++)
        for (seeded = 0; seeded < 2; seeded++) junk_stack[seeded][i] = stack_junk(seeded, stack_top - STACK / 2 + 8 * i);
    catch_signals();
    read_code_ranges();
    for (int i = 0; i < codes; i++)
        if (units[0].anchor >= (char *)code[i].from && units[0].anchor < (char *)code[i].to)
            mprotect((void *)code[i].from, code[i].to - code[i].from, PROT_READ | PROT_WRITE | PROT_EXEC);
    while (scanf("%63s %d %ld %127s", id, &number, &offset, hex) == 4) {
        patch trap = {units[number].anchor + offset, {0xcc}, 1}, mutant = {trap.at, {0}, 0};
        int is_original = *hex == '-';
        for (; !is_original && hex[2 * mutant.count]; mutant.count++)
            sscanf(hex + 2 * mutant.count, "%2hhx", &mutant.bytes[mutant.count]);
        if (!is_original) in_child(find, number, 0, &trap);
        if (is_original || !strcmp(told->verdict, "reached")) in_child(judge, number, is_original, &mutant);
        printf("%s %s %s\n", id, told->verdict, told->detail);
    }
    return 0;
}
