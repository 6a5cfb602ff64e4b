/* Breaks one file system call of this process.
 *
 * Preloaded into the process that runs an operation, it numbers each call that changes a file below a given
 * directory, in the order in which they happen, and breaks the one with a given number: the process is killed before the
 * call, or the call fails with an error and does nothing, or the file system loses its power. It does nothing before
 * breaker_arm() was called, and nothing in the children: they load it unarmed. A test compares its list with the one
 * that strace records, so that no call is left out.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { KILL = -1, POWER = -2 };
#define FICLONE_REQUEST 0x40049409UL
#define EXT4_SHUTDOWN 0x8004587DUL

static char root[PATH_MAX];
static size_t root_length;
static long number, break_at;
static int how, log_descriptor = -1, power_descriptor = -1, armed, full_from_there;
static pid_t owner;

/* how > 0: that errno. `full`: every later call fails the same way, until something is unlinked. */
void breaker_arm(const char *directory, long at, int what, int full, int log_to, int power)
{
    strncpy(root, directory, sizeof root - 1);
    root_length = strlen(root);
    number = 0;
    break_at = at;
    how = what;
    full_from_there = full;
    log_descriptor = log_to;
    power_descriptor = power;
    owner = getpid();
    armed = 1;
}

long breaker_disarm(void)
{
    armed = 0;
    return number;
}

static int below(const char *path)
{
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

static const char *absolute(int directory, const char *path, char *into)
{
    char link[64];
    ssize_t length;
    if (path[0] == '/')
        return path;
    if (directory == AT_FDCWD)
        strcpy(link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    length = readlink(link, into, PATH_MAX - 1);
    if (length < 0)
        return path;
    snprintf(into + length, PATH_MAX - length, "/%s", path);
    return into;
}

static const char *of_descriptor(int descriptor, char *into)
{
    char link[64];
    ssize_t length;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, into, PATH_MAX - 1);
    into[length < 0 ? 0 : length] = 0;
    return into;
}

static void note(const char *call, const char *path, const char *other)
{
    char line[3 * PATH_MAX];
    int length;
    if (log_descriptor < 0)
        return;
    length = snprintf(line, sizeof line, "%ld\t%s\t%s\t%s\n", number, call, path, other);
    syscall(SYS_write, log_descriptor, line, (size_t)length);
}

/* 0: go on. 1: the call must fail, errno is set. */
static int broken(const char *call, const char *path, const char *other)
{
    static int failing;
    if (!armed || getpid() != owner || !(below(path) || (*other && below(other))))
        return 0;
    number++;
    note(call, path, other);
    if (number == break_at) {
        if (how == KILL)
            kill(owner, SIGKILL);
        if (how == POWER) {
            unsigned mode = 2; /* nothing is flushed: what was not synced is gone */
            syscall(SYS_ioctl, power_descriptor, EXT4_SHUTDOWN, &mode);
            kill(owner, SIGKILL);
        }
        failing = full_from_there;
        errno = how;
        return 1;
    }
    if (failing && strncmp(call, "unlink", 6) == 0)
        failing = 0; /* room was made */
    if (failing && (strncmp(call, "open", 4) == 0 || strncmp(call, "write", 5) == 0 || strncmp(call, "mkdir", 5) == 0 ||
                    strncmp(call, "fallocate", 9) == 0)) {
        errno = how;
        return 1;
    }
    return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define BY_DESCRIPTOR(result, name, parameters, arguments, descriptor)                                                  \
    result name parameters                                                                                             \
    {                                                                                                                  \
        static result(*real) parameters;                                                                               \
        char path[PATH_MAX];                                                                                           \
        if (!real)                                                                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        if (armed && broken(#name, of_descriptor(descriptor, path), ""))                                               \
            return -1;                                                                                                 \
        return real arguments;                                                                                         \
    }
#define BY_PATH(result, name, parameters, arguments, directory, path)                                                   \
    result name parameters                                                                                             \
    {                                                                                                                  \
        static result(*real) parameters;                                                                               \
        char full[2 * PATH_MAX];                                                                                       \
        if (!real)                                                                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        if (armed && broken(#name, absolute(directory, path, full), ""))                                               \
            return -1;                                                                                                 \
        return real arguments;                                                                                         \
    }
#define BY_TWO(result, name, parameters, arguments, directory, path, other_directory, other)                            \
    result name parameters                                                                                             \
    {                                                                                                                  \
        static result(*real) parameters;                                                                               \
        char full[2 * PATH_MAX], second[2 * PATH_MAX];                                                                 \
        if (!real)                                                                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        if (armed && broken(#name, absolute(directory, path, full), absolute(other_directory, other, second)))         \
            return -1;                                                                                                 \
        return real arguments;                                                                                         \
    }

BY_DESCRIPTOR(ssize_t, write, (int d, const void *b, size_t n), (d, b, n), d)
BY_DESCRIPTOR(ssize_t, pwrite, (int d, const void *b, size_t n, off_t o), (d, b, n, o), d)
BY_DESCRIPTOR(ssize_t, pwrite64, (int d, const void *b, size_t n, off64_t o), (d, b, n, o), d)
BY_DESCRIPTOR(ssize_t, writev, (int d, const struct iovec *v, int n), (d, v, n), d)
BY_DESCRIPTOR(ssize_t, copy_file_range, (int s, off64_t *so, int d, off64_t *o, size_t n, unsigned f),
              (s, so, d, o, n, f), d)
BY_DESCRIPTOR(ssize_t, sendfile, (int d, int s, off_t *o, size_t n), (d, s, o, n), d)
BY_DESCRIPTOR(int, fsync, (int d), (d), d)
BY_DESCRIPTOR(int, fdatasync, (int d), (d), d)
BY_DESCRIPTOR(int, syncfs, (int d), (d), d)
BY_DESCRIPTOR(int, ftruncate, (int d, off_t n), (d, n), d)
BY_DESCRIPTOR(int, ftruncate64, (int d, off64_t n), (d, n), d)
BY_DESCRIPTOR(int, fchmod, (int d, mode_t m), (d, m), d)
BY_DESCRIPTOR(int, fchown, (int d, uid_t u, gid_t g), (d, u, g), d)
BY_DESCRIPTOR(int, futimens, (int d, const struct timespec t[2]), (d, t), d)
BY_PATH(int, unlink, (const char *p), (p), AT_FDCWD, p)
BY_PATH(int, unlinkat, (int d, const char *p, int f), (d, p, f), d, p)
BY_PATH(int, rmdir, (const char *p), (p), AT_FDCWD, p)
BY_PATH(int, mkdir, (const char *p, mode_t m), (p, m), AT_FDCWD, p)
BY_PATH(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m), d, p)
BY_PATH(int, truncate, (const char *p, off_t n), (p, n), AT_FDCWD, p)
BY_PATH(int, truncate64, (const char *p, off64_t n), (p, n), AT_FDCWD, p)
BY_PATH(int, chmod, (const char *p, mode_t m), (p, m), AT_FDCWD, p)
BY_PATH(int, fchmodat, (int d, const char *p, mode_t m, int f), (d, p, m, f), d, p)
BY_PATH(int, utimensat, (int d, const char *p, const struct timespec t[2], int f), (d, p, t, f), d, p)
BY_PATH(int, symlink, (const char *target, const char *p), (target, p), AT_FDCWD, p)
BY_PATH(int, symlinkat, (const char *target, int d, const char *p), (target, d, p), d, p)
BY_TWO(int, rename, (const char *p, const char *q), (p, q), AT_FDCWD, p, AT_FDCWD, q)
BY_TWO(int, renameat, (int d, const char *p, int e, const char *q), (d, p, e, q), d, p, e, q)
BY_TWO(int, renameat2, (int d, const char *p, int e, const char *q, unsigned f), (d, p, e, q, f), d, p, e, q)
BY_TWO(int, link, (const char *p, const char *q), (p, q), AT_FDCWD, p, AT_FDCWD, q)
BY_TWO(int, linkat, (int d, const char *p, int e, const char *q, int f), (d, p, e, q, f), d, p, e, q)

/* these return the error itself */
#define ALLOCATE(name, offset)                                                                                         \
    int name(int d, offset o, offset n)                                                                                \
    {                                                                                                                  \
        static int (*real)(int, offset, offset);                                                                       \
        char path[PATH_MAX];                                                                                           \
        if (!real)                                                                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        if (armed && broken("fallocate", of_descriptor(d, path), ""))                                                  \
            return errno;                                                                                              \
        return real(d, o, n);                                                                                          \
    }
ALLOCATE(posix_fallocate, off_t)
ALLOCATE(posix_fallocate64, off64_t)

static int changes(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
}

#define OPEN(name)                                                                                                     \
    int name(const char *p, int flags, ...)                                                                            \
    {                                                                                                                  \
        static int (*real)(const char *, int, ...);                                                                    \
        char full[2 * PATH_MAX];                                                                                       \
        mode_t mode = 0;                                                                                               \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        if (flags & (O_CREAT | __O_TMPFILE))                                                                           \
            mode = va_arg(more, mode_t);                                                                               \
        va_end(more);                                                                                                  \
        if (!real)                                                                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        if (armed && changes(flags) && broken("open", absolute(AT_FDCWD, p, full), ""))                                \
            return -1;                                                                                                 \
        return real(p, flags, mode);                                                                                   \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
    int name(int d, const char *p, int flags, ...)                                                                     \
    {                                                                                                                  \
        static int (*real)(int, const char *, int, ...);                                                               \
        char full[2 * PATH_MAX];                                                                                       \
        mode_t mode = 0;                                                                                               \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        if (flags & (O_CREAT | __O_TMPFILE))                                                                           \
            mode = va_arg(more, mode_t);                                                                               \
        va_end(more);                                                                                                  \
        if (!real)                                                                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        if (armed && changes(flags) && broken("open", absolute(d, p, full), ""))                                       \
            return -1;                                                                                                 \
        return real(d, p, flags, mode);                                                                                \
    }
OPENAT(openat)
OPENAT(openat64)

int ioctl(int d, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, ...);
    char path[PATH_MAX];
    void *argument;
    va_list more;
    va_start(more, request);
    argument = va_arg(more, void *);
    va_end(more);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    if (armed && request == FICLONE_REQUEST && broken("clone", of_descriptor(d, path), ""))
        return -1;
    return real(d, request, argument);
}
