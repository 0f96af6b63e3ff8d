/* Counts a process's writes (files and sockets), and kills it or refuses one of them when told to.

   Loaded with LD_PRELOAD by tests/faults/mint/points.py into an unchanged program. A page of memory shared with the test
   says what to do. A point is a call that leaves a trace outside the process: bytes into a file or a socket, a flush, a
   file made, cut, renamed, linked or removed. Pipes, the standard streams and event descriptors are none. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF = 0, KILL = 1, TEAR = 2, REFUSE = 3 };
enum { NAMES = 4000, LENGTH = 56 };

/* The same layout as `_PAGE` in points.py. */
struct page {
    volatile long mode;  /* OFF: nothing is counted */
    volatile long at;    /* the point, counted from 1, at which it happens; REFUSE: from which on */
    volatile long error; /* REFUSE: the errno that writes to files fail with */
    volatile long count;
    char names[NAMES][LENGTH];
};

static struct page *page;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("AMPARO_FAULT_POINTS");
    if (path == NULL)
        return;
    int found = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (found < 0)
        return;
    void *at = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, found, 0);
    page = at == MAP_FAILED ? NULL : at;
    syscall(SYS_close, found);
}

static int kind(int descriptor) {
    struct stat about;
    if (descriptor <= 2 || fstat(descriptor, &about) != 0)
        return 0;
    return S_ISREG(about.st_mode) || S_ISSOCK(about.st_mode) || S_ISDIR(about.st_mode) ? (about.st_mode & S_IFMT) : 0;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* What is to be done at this point: 0 go on, 1 tear (write half, then die), -1 refuse (errno is set). */
static int point(const char *call, int descriptor, const char *path, int type) {
    if (page == NULL || page->mode == OFF)
        return 0;
    int before = errno;
    long number = __sync_add_and_fetch(&page->count, 1);
    if (number <= NAMES) {
        char target[512] = "socket";
        if (path != NULL) {
            snprintf(target, sizeof target, "%s", path);
        } else if (type != S_IFSOCK) {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
            ssize_t length = readlink(link, target, sizeof target - 1);
            target[length < 0 ? 0 : length] = 0;
        }
        snprintf(page->names[number - 1], LENGTH, "%.12s %.40s", call, last_part(target));
    }
    errno = before;
    if (page->mode == REFUSE && number >= page->at && type != S_IFSOCK) {
        errno = (int)page->error;
        return -1;
    }
    if (number != page->at || page->mode == REFUSE)
        return 0;
    if (page->mode == TEAR && type == S_IFREG)
        return 1;
    raise(SIGKILL);
    return 0;
}

#define REAL(type, name, parameters) \
    static type(*real) parameters;   \
    if (real == NULL)                \
    real = dlsym(RTLD_NEXT, #name)

#define WRITES(type, name, parameters, arguments, half)                      \
    type name parameters {                                                   \
        REAL(type, name, parameters);                                        \
        int type_of = page == NULL || page->mode == OFF ? 0 : kind(descriptor); \
        int answer = type_of ? point(#name, descriptor, NULL, type_of) : 0;  \
        if (answer < 0)                                                      \
            return -1;                                                       \
        if (answer > 0) {                                                    \
            half;                                                            \
            raise(SIGKILL);                                                  \
        }                                                                    \
        return real arguments;                                               \
    }

WRITES(ssize_t, write, (int descriptor, const void *bytes, size_t count), (descriptor, bytes, count),
       real(descriptor, bytes, count / 2))
WRITES(ssize_t, pwrite, (int descriptor, const void *bytes, size_t count, off_t at), (descriptor, bytes, count, at),
       real(descriptor, bytes, count / 2, at))
WRITES(ssize_t, pwrite64, (int descriptor, const void *bytes, size_t count, off64_t at), (descriptor, bytes, count, at),
       real(descriptor, bytes, count / 2, at))
WRITES(ssize_t, writev, (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count), )
WRITES(ssize_t, send, (int descriptor, const void *bytes, size_t count, int flags), (descriptor, bytes, count, flags), )
WRITES(ssize_t, sendto,
       (int descriptor, const void *bytes, size_t count, int flags, const struct sockaddr *to, socklen_t length),
       (descriptor, bytes, count, flags, to, length), )
WRITES(ssize_t, sendmsg, (int descriptor, const struct msghdr *message, int flags), (descriptor, message, flags), )
WRITES(int, connect, (int descriptor, const struct sockaddr *to, socklen_t length), (descriptor, to, length), )
WRITES(int, fsync, (int descriptor), (descriptor), )
WRITES(int, fdatasync, (int descriptor), (descriptor), )
WRITES(int, ftruncate, (int descriptor, off_t length), (descriptor, length), )
WRITES(int, ftruncate64, (int descriptor, off64_t length), (descriptor, length), )

#define NAMED(name, parameters, arguments, path)                 \
    int name parameters {                                        \
        REAL(int, name, parameters);                             \
        return point(#name, -1, path, 0) < 0 ? -1 : real arguments; \
    }

NAMED(unlink, (const char *path), (path), path)
NAMED(unlinkat, (int folder, const char *path, int flags), (folder, path, flags), path)
NAMED(rename, (const char *path, const char *to), (path, to), path)
NAMED(renameat, (int folder, const char *path, int other, const char *to), (folder, path, other, to), path)
NAMED(link, (const char *path, const char *to), (path, to), path)
NAMED(linkat, (int folder, const char *path, int other, const char *to, int flags), (folder, path, other, to, flags), path)
NAMED(mkdir, (const char *path, mode_t mode), (path, mode), path)

#define OPENS(name, parameters, arguments, path)                                            \
    int name parameters {                                                                   \
        static int(*real) parameters;                                                       \
        if (real == NULL)                                                                   \
            real = dlsym(RTLD_NEXT, #name);                                                 \
        mode_t mode = 0;                                                                    \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                \
            va_list more;                                                                   \
            va_start(more, flags);                                                          \
            mode = va_arg(more, mode_t);                                                    \
            va_end(more);                                                                   \
        }                                                                                   \
        if ((flags & O_CREAT) && access(path, F_OK) != 0 && point(#name, -1, path, 0) < 0)  \
            return -1;                                                                      \
        return real arguments;                                                              \
    }

OPENS(open, (const char *path, int flags, ...), (path, flags, mode), path)
OPENS(open64, (const char *path, int flags, ...), (path, flags, mode), path)
