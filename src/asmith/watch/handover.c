/* Preloaded into a program that `asmith watch` runs: a listening socket that the program before it
 * had is handed over when it binds the same address, so that no connection is refused. When its own
 * time has come it accepts no more, and is asked to end after it has seen what it had accepted.
 *
 * ASMITH_RETIRED     a file of one byte that becomes 1 then
 * ASMITH_LISTENERS   descriptors of listening sockets, "5,6"
 * ASMITH_READY       a descriptor that is told "b" when it took one over, "l" when it listens
 * ASMITH_PRELOAD     what LD_PRELOAD was
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int listeners[64], count, ready = -1;
static volatile unsigned char *retired;

static void tell(const char *word)
{
    if (ready >= 0 && write(ready, word, 1) != 1)
        ready = -1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *list = getenv("ASMITH_LISTENERS"), *told = getenv("ASMITH_READY");
    const char *before = getenv("ASMITH_PRELOAD"), *flag = getenv("ASMITH_RETIRED");
    while (list && *list && count < 64) {
        char *end;
        listeners[count++] = (int)strtol(list, &end, 10);
        list = *end ? end + 1 : end;
    }
    if (told)
        ready = atoi(told);
    if (flag) {
        void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, atoi(flag), 0);
        retired = page == MAP_FAILED ? NULL : page;
        close(atoi(flag));
    }
    if (before && *before) /* its own children run as they would without us */
        setenv("LD_PRELOAD", before, 1);
    else
        unsetenv("LD_PRELOAD");
    unsetenv("ASMITH_LISTENERS");
    unsetenv("ASMITH_READY");
    unsetenv("ASMITH_RETIRED");
    unsetenv("ASMITH_PRELOAD");
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    int (*really)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    for (int i = 0; i < count; i++) {
        struct sockaddr_storage own;
        socklen_t size = sizeof own;
        if (getsockname(listeners[i], (struct sockaddr *)&own, &size) || size != length ||
            memcmp(&own, address, length))
            continue;
        int status = fcntl(fd, F_GETFL), kept = fcntl(fd, F_GETFD);
        if (status < 0 || kept < 0 || dup2(listeners[i], fd) < 0)
            break;
        fcntl(fd, F_SETFL, status);
        fcntl(fd, F_SETFD, kept);
        tell("b");
        return 0;
    }
    return really(fd, address, length);
}

int listen(int fd, int backlog)
{
    int (*really)(int, int) = dlsym(RTLD_NEXT, "listen");
    int result = really(fd, backlog);
    if (result == 0)
        tell("l");
    return result;
}

static int is_over(int fd)
{
    if (!retired || !*retired)
        return 0;
    errno = fcntl(fd, F_GETFL) & O_NONBLOCK ? EAGAIN : EINTR;
    return 1;
}

int accept(int fd, struct sockaddr *address, socklen_t *length)
{
    int (*really)(int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "accept");
    return is_over(fd) ? -1 : really(fd, address, length);
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    int (*really)(int, struct sockaddr *, socklen_t *, int) = dlsym(RTLD_NEXT, "accept4");
    return is_over(fd) ? -1 : really(fd, address, length, flags);
}
