/* Inputs of functions: random, and made of the numbers that their code names. */
#include <stdio.h>
#include <string.h>

#include "inputs.h"

enum { TEXT = 256 };

extern long x_out_long(long);

const unit *current;
char *buffers;
int input_now;
uint64_t dice_state;

uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

uint64_t dice(void) { return dice_state = mix(dice_state, 0x1234567); }

#define ONE_OF(texts) texts[dice() % (sizeof texts / sizeof *texts)]

/* Writes a request as the modules take it: mostly whole, with headers that may contradict each other. */
static void request(char *p) {
    static const char *const methods[] = {"GET", "GET", "POST", "PATCH", "DELETE", "get"};
    static const char *const targets[] = {"/api/tasks", "/", "/api/tasks/1?x=%41", "*", "http://x/"};
    static const char *const versions[] = {"1.1", "1.1", "1.1", "1.0", "2.0", "1.x"};
    static const char *const headers[] = {"Host: x", "Content-Length: 3", "content-length:3", "Content-Length: 4", "Content-Length: 99999999999999999999",
        "Content-Length: ", "Connection: close", "Connection: keep-alive", "Connection: x, close", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip",
        "Expect: 100-continue", "Expect: x", "A:b", "A : b", " folded", ":", "Host: y"};
    memset(p, 0, TEXT);
    p += sprintf(p, "%s %s HTTP/%s\r\n", ONE_OF(methods), ONE_OF(targets), ONE_OF(versions));
    if (dice() % 4) p += sprintf(p, "%s\r\n", headers[0]);
    for (uint64_t n = dice() % 4; n; n--) p += sprintf(p, "%s\r\n", ONE_OF(headers));
    if (dice() % 6) p += sprintf(p, "\r\n%s", dice() % 2 ? "abc" : "");
}

/* Fills buffer `number` for an argument; strings end within TEXT bytes. */
static char *filled(int number, char letter) {
    char *p = buffers + number * BUFFER;
    if ((letter == 's' || letter == 't') && dice() % 5 == 0) {
        request(p);
    } else if (letter == 's' || letter == 't') {
        static const char some[] = "0123456789 \"\\\n\t/abcXYZ{}:,GETPOST HTTP1.";
        static const char *const phrases[] = {"GET ", "POST ", "/api/tasks", "?a=b", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "Content-Length: ",
            "Connection: ", "close", "keep-alive", "Transfer-Encoding: chunked", "Host: x", "Expect: 100-continue", "\r\n", "\r\n\r\n", "12", "%41", "\t "};
        int length = (int)(dice() % 60), shape = (int)(dice() % 4), i = 0;
        memset(p, 0, TEXT);
        if (input_now >= INPUTS && current->number_count && dice() % 2) { /* what the code compares with */
            while (i < length) {
                long part = current->numbers[dice() % (uint64_t)current->number_count];
                for (int n = 0; n < 8 && (part & 0xff) > 31 && (part & 0xff) < 127; n++, part >>= 8) p[i++] = (char)part;
                if (dice() % 8 == 0) p[i++] = some[dice() % (sizeof some - 1)];
            }
            return p;
        }
        while (shape == 3 && i < TEXT - 32) {
            int n = (int)(dice() % 20);
            if (n >= 18) break;
            i += (int)strlen(strcpy(p + i, phrases[i || n % 2 ? n : 0]));
        }
        for (i = 0; shape < 3 && i < length; i++)
            p[i] = shape && dice() % 4 ? some[dice() % (sizeof some - 1)] : (char)(shape == 2 ? 1 + dice() % 127 : 33 + dice() % 94);
    } else {
        for (int i = 0; i < BUFFER / 8; i++) ((uint64_t *)p)[i] = dice() % 3 ? dice() % 100 : dice();
    }
    return p;
}

/* Puts a number that the unit's instructions name, or one beside it, in `value`, if it fits: an
 * int may be a count or an index, and is small mostly; a size is never negative. `turn` is -1, or
 * which of the numbers is to be taken. */
static int named(char letter, int turn, uint64_t *value) {
    uint64_t count = (uint64_t)current->number_count;
    if (!count || !strchr(NUMBERS, letter) || (turn < 0 && dice() % 3)) return 0;
    long found = current->numbers[(turn < 0 ? dice() : (uint64_t)turn) % count];
    *value = (uint64_t)found + (dice() % 2 ? 0 : dice() % 3 - 1);
    if (letter == 'z') return found > 1 && found <= 100;
    if (letter == 'l' || (found >= -8 && found <= 300)) return 1;
    return (turn >= 0 || dice() % 4 == 0) && found >= -200000 && found <= 200000;
}

/* Puts a number in `value` as the usual inputs seldom have it: of any width, or named by the code. */
static int wide(char letter, uint64_t *value) {
    uint64_t pick = dice(), any = dice() >> dice() % 64;
    if (input_now < INPUTS || !strchr("lihzdf", letter) || pick % 3 == 0) return 0;
    if (letter == 'd' || letter == 'f') {
        double x = (double)(int64_t)any / (pick & 8 ? 1 : 1024) * (pick & 16 ? -1 : 1);
        float y = (float)x;
        *value = 0, memcpy(value, letter == 'd' ? (void *)&x : &y, letter == 'd' ? 8 : 4);
        return 1;
    }
    if (letter == 'z') return *value = 1 + any % 100, 1;
    *value = letter == 'l' ? any : any % 400;
    if (pick & 16) *value = 0 - *value;
    if (pick & 32 && current->number_count) {
        long found = current->numbers[dice() % (uint64_t)current->number_count];
        if (letter == 'l' || (found >= -200000 && found <= 200000)) *value = (uint64_t)found;
    }
    return 1;
}

uint64_t value_of(char letter, int turn, int *buffer, uint64_t *length) {
    uint64_t pick = dice();
    if (wide(letter, &pick)) return pick;
    if (named(letter, turn, &pick)) return pick;
    switch (letter) {
    case 'l': return pick % 2 ? dice() % 64 : dice();
    case 'i': case 'h': case 'c': return pick % 8 ? (uint64_t)((int64_t)(dice() % 44) - 4) : 64 + dice() % 236; /* some loops take many at once */
    case 'z': return 1 + dice() % 40;
    case 'b': return pick & 1;
    case 'd': { double x = (double)(int64_t)(dice() % 2000) / 16 - 40; memcpy(&pick, &x, 8); return pick; }
    case 'f': { float x = (float)(dice() % 2000) / 16 - 40; pick = 0; memcpy(&pick, &x, 4); return pick; }
    case 'u': return (uint64_t)x_out_long;
    case 'p': case 's': return (uint64_t)filled((*buffer)++ % BUFFERS, letter);
    case 't': { /* a text, whose length is the next argument */
        char *p = filled((*buffer)++ % BUFFERS, letter);
        *length = strlen(p);
        return (uint64_t)p;
    }
    case 'n': return *length;
    case 'q': { static const int known[] = {200, 201, 400, 404, 405, 408, 413, 431, 500, 501, 503, 505}; return (uint64_t)known[pick % 12]; }
    case 'B': { /* a buffer of the modules: data, len, cap */
        uint64_t *b = (uint64_t *)filled((*buffer)++ % BUFFERS, 'p');
        b[0] = (uint64_t)filled((*buffer)++ % BUFFERS, 'p');
        b[2] = dice() % 300;
        b[1] = dice() % (b[2] + 1);
        return (uint64_t)b;
    }
    default: return pick;
    }
}
