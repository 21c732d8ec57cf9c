#ifndef LIBC_H
#define LIBC_H

#include <stddef.h>
#include <stdint.h>

/* What the modules use of the C library. */
/*@ asm library "libc" header "unistd.h" header "string.h" header "stdlib.h" header "errno.h"
  @             header "time.h" header "fcntl.h" header "signal.h" header "sys/socket.h"
  @             header "netinet/in.h" header "netinet/tcp.h" header "arpa/inet.h"
  @             header "sys/epoll.h"; */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ---------------------------------------------------------------------------------- */

#define EINTR 4
#define EAGAIN 11
#define ENOMEM 12
#define ENFILE 23
#define EMFILE 24
#define EPIPE 32
#define ECONNRESET 104
#define ENOBUFS 105

/* The address of the calling thread's errno. */
/*@ assigns  \nothing;
  @ ensures  \valid(\result);
  @*/
int *__errno_location(void);

/* ---- memory and strings ---------------------------------------------------------------------- */

/*@ requires n == 0 || (\valid((char *)dest + (0 .. n-1)) && \valid_read((const char *)src + (0 .. n-1)));
  @ requires n == 0 || \separated((char *)dest + (0 .. n-1), (const char *)src + (0 .. n-1));
  @ assigns  ((char *)dest)[0 .. n-1];
  @ ensures  \result == dest;
  @*/
void *memcpy(void *dest, const void *src, size_t n);

/* The ranges may overlap. */
/*@ requires n == 0 || (\valid((char *)dest + (0 .. n-1)) && \valid_read((const char *)src + (0 .. n-1)));
  @ assigns  ((char *)dest)[0 .. n-1];
  @ ensures  \result == dest;
  @*/
void *memmove(void *dest, const void *src, size_t n);

/*@ requires n == 0 || (\valid_read((const char *)a + (0 .. n-1)) && \valid_read((const char *)b + (0 .. n-1)));
  @ assigns  \nothing;
  @*/
int memcmp(const void *a, const void *b, size_t n);

/*@ requires valid_read_string(s);
  @ assigns  \nothing;
  @*/
size_t strlen(const char *s);

/*@ requires valid_read_string(name);
  @ assigns  \nothing;
  @ ensures  \result == \null || valid_read_string(\result);
  @ asm outcome unset: \result == \null;
  @*/
char *getenv(const char *name);

/*@ assigns  \nothing;
  @ asm releases p;
  @*/
void free(void *p);

/* Zeroed memory. */
/*@ assigns  errno;
  @ ensures  \result == \null || \valid((char *)\result + (0 .. count*size-1));
  @ asm outcome out_of_memory: \result == \null;
  @ asm acquires \result by free;
  @*/
void *calloc(size_t count, size_t size);

/* ---- files ------------------------------------------------------------------------------------ */

#define O_WRONLY 1
#define O_CREAT 64
#define O_APPEND 1024
#define O_NONBLOCK 2048
#define O_CLOEXEC 524288
#define F_SETFL 4

/* With O_CREAT the one further argument is a mode_t. */
/*@ requires valid_read_string(path);
  @ assigns  errno;
  @ ensures  \result >= -1;
  @ asm outcome failed: \result == -1;
  @*/
int open(const char *path, int flags, ...);

/*@ assigns  errno;
  @ ensures  \result >= -1;
  @ asm outcome failed: \result == -1;
  @*/
int fcntl(int fd, int command, ...);

/*@ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome failed: \result == -1;
  @*/
int close(int fd);

/*@ requires \valid((char *)buf + (0 .. n-1));
  @ assigns  ((char *)buf)[0 .. n-1], errno;
  @ ensures  -1 <= \result <= n;
  @ asm outcome failed: \result == -1;
  @ asm outcome end: \result == 0;
  @*/
long read(int fd, void *buf, size_t n);

/*@ requires \valid_read((const char *)buf + (0 .. n-1));
  @ assigns  errno;
  @ ensures  -1 <= \result <= n;
  @ asm outcome failed: \result == -1;
  @*/
long write(int fd, const void *buf, size_t n);

/* ---- time ------------------------------------------------------------------------------------- */

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1

struct timespec {
    long tv_sec;
    long tv_nsec;
};

/*@ requires \valid(now);
  @ assigns  *now, errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome failed: \result == -1;
  @*/
int clock_gettime(int clock, struct timespec *now);

/* ---- signals ---------------------------------------------------------------------------------- */

#define SIGHUP 1
#define SIGINT 2
#define SIGPIPE 13
#define SIGTERM 15

/*@ assigns \nothing; */
typedef void (*signal_handler)(int signal);

/* Installs a handler that interrupts no system call; 1 as a handler means: ignore. */
/*@ assigns  errno; */
signal_handler signal(int signal, signal_handler handler);

/* ---- sockets ---------------------------------------------------------------------------------- */

#define AF_INET 2
#define SOCK_STREAM 1
#define SOCK_NONBLOCK 2048
#define SOCK_CLOEXEC 524288
#define SOL_SOCKET 1
#define SO_REUSEADDR 2
#define SO_REUSEPORT 15
#define IPPROTO_TCP 6
#define TCP_NODELAY 1
#define MSG_NOSIGNAL 16384

struct sockaddr {
    unsigned short sa_family;
    char sa_data[14];
};

struct in_addr {
    uint32_t s_addr; /* in network byte order */
};

struct sockaddr_in {
    unsigned short sin_family;
    uint16_t sin_port; /* in network byte order */
    struct in_addr sin_addr;
    unsigned char sin_zero[8];
};

/*@ assigns  errno;
  @ ensures  \result >= -1;
  @ asm outcome failed: \result == -1;
  @*/
int socket(int domain, int type, int protocol);

/*@ requires \valid_read((const char *)value + (0 .. size-1));
  @ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome failed: \result == -1;
  @*/
int setsockopt(int fd, int level, int option, const void *value, unsigned int size);

/*@ requires \valid_read((const char *)address + (0 .. size-1));
  @ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome failed: \result == -1;
  @*/
int bind(int fd, const struct sockaddr *address, unsigned int size);

/*@ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome failed: \result == -1;
  @*/
int listen(int fd, int backlog);

/* The new descriptor blocks until fcntl says otherwise. */
/*@ requires address == \null || (\valid(address) && \valid(size));
  @ assigns  *address, *size, errno;
  @ ensures  \result >= -1;
  @ asm outcome failed: \result == -1;
  @*/
int accept(int fd, struct sockaddr *address, unsigned int *size);

/*@ requires \valid((char *)buf + (0 .. n-1));
  @ assigns  ((char *)buf)[0 .. n-1], errno;
  @ ensures  -1 <= \result <= n;
  @ asm outcome failed: \result == -1;
  @ asm outcome closed: \result == 0;
  @*/
long recv(int fd, void *buf, size_t n, int flags);

/*@ requires \valid_read((const char *)buf + (0 .. n-1));
  @ assigns  errno;
  @ ensures  -1 <= \result <= n;
  @ asm outcome failed: \result == -1;
  @*/
long send(int fd, const void *buf, size_t n, int flags);

#define SHUT_WR 1

/*@ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome failed: \result == -1;
  @*/
int shutdown(int fd, int how);

/* ---- epoll ------------------------------------------------------------------------------------ */

#define EPOLLIN 1
#define EPOLLOUT 4
#define EPOLLERR 8
#define EPOLLHUP 16
#define EPOLLRDHUP 8192
#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLL_CLOEXEC 524288

typedef union epoll_data {
    void *ptr;
    int fd;
    uint32_t u32;
    uint64_t u64;
} epoll_data_t;

struct epoll_event {
    uint32_t events;
    epoll_data_t data;
} __attribute__((packed));

/*@ assigns  errno;
  @ ensures  \result >= -1;
  @ asm outcome failed: \result == -1;
  @*/
int epoll_create1(int flags);

/*@ requires op == EPOLL_CTL_DEL || \valid_read(event);
  @ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome failed: \result == -1;
  @*/
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);

/* Waits at most `timeout` milliseconds; -1 is for ever. */
/*@ requires maxevents > 0 && \valid(events + (0 .. maxevents-1));
  @ assigns  events[0 .. maxevents-1], errno;
  @ ensures  -1 <= \result <= maxevents;
  @ asm outcome failed: \result == -1;
  @*/
int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout);

#ifdef __cplusplus
}
#endif

#endif
