/*
 * Preloaded into a child process: counts its durable system calls on files under one folder, and
 * makes one of them go wrong.
 *
 *   CRASH_FOLDER  the folder; calls on other files are neither counted nor disturbed
 *   CRASH_AT      which call, counted from 1
 *   CRASH_FAULT   before  the process is killed instead of making the call
 *                 after   the process is killed when the call has been made
 *                 torn    a write is cut in half and the process is killed; other calls: as before
 *                 full    this call and all later ones fail: no space left on device
 *                 broken  this call and all later ones fail: input/output error
 *   CRASH_ROOM    once this file is there, full and broken disks are well again
 *   CRASH_LOG     a line "<n> <call> <path under the folder>" for each call, and a line "fired"
 *                 when the fault has struck
 *
 * "Killed" is SIGKILL: no handler runs, nothing is flushed, the kernel keeps what was written.
 * The calls themselves are made directly, so that the shim cannot call itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { BEFORE, AFTER, TORN, FULL, BROKEN };

/* What a call has to do about the fault. */
enum verdict { PROCEED, FAIL, MAKE_THEN_DIE, TEAR_THEN_DIE };

static char folder[PATH_MAX];
static size_t folder_length;
static long fault_at;
static enum fault fault;
static const char *room;
static int log_file = -1;
static long calls;

static enum fault fault_named(const char *name)
{
    if (!strcmp(name, "after"))
        return AFTER;
    if (!strcmp(name, "torn"))
        return TORN;
    if (!strcmp(name, "full"))
        return FULL;
    if (!strcmp(name, "broken"))
        return BROKEN;
    return BEFORE;
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *at = getenv("CRASH_AT");
    const char *name = getenv("CRASH_FAULT");
    const char *path = getenv("CRASH_FOLDER");
    const char *log_path = getenv("CRASH_LOG");
    room = getenv("CRASH_ROOM");
    fault_at = at ? atol(at) : 0;
    fault = name ? fault_named(name) : BEFORE;
    if (log_path)
        log_file = syscall(SYS_openat, AT_FDCWD, log_path,
                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (path && strlen(path) < sizeof folder) {
        strcpy(folder, path);
        folder_length = strlen(folder);
    }
}

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

static void log_line(const char *line, int length)
{
    if (log_file >= 0 && length > 0)
        syscall(SYS_write, log_file, line, (size_t)length);
}

/* The part of `path` under the folder, or NULL when it is elsewhere. */
static const char *under_folder(const char *path)
{
    if (!folder_length || !path || strncmp(path, folder, folder_length))
        return NULL;
    if (path[folder_length] != '/')
        return NULL;
    return path + folder_length + 1;
}

/* Resolves `name` of a *at() call into `path`. */
static const char *resolve(int directory, const char *name, char path[PATH_MAX])
{
    char link[64];
    ssize_t length;
    if (name && name[0] == '/')
        return under_folder(name);
    if (directory == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0)
        return NULL;
    path[length] = 0;
    if (name)
        snprintf(path + length, PATH_MAX - (size_t)length, "/%s", name);
    return under_folder(path);
}

/* Counts a call on `path` and decides about it. Never returns when the process dies before it. */
static enum verdict decide(const char *call, const char *path)
{
    static const char fired[] = "fired\n";
    char line[PATH_MAX + 64];
    int saved = errno;
    long number = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    int sticky = fault == FULL || fault == BROKEN;

    log_line(line, snprintf(line, sizeof line, "%ld %s %s\n", number, call, path));
    errno = saved;
    if (fault_at <= 0 || number < fault_at || (number > fault_at && !sticky))
        return PROCEED;
    if (sticky && room && syscall(SYS_faccessat, AT_FDCWD, room, F_OK) == 0) {
        errno = saved;
        return PROCEED;
    }
    if (number == fault_at)
        log_line(fired, sizeof fired - 1);
    switch (fault) {
    case FULL:
        errno = ENOSPC;
        return FAIL;
    case BROKEN:
        errno = EIO;
        return FAIL;
    case AFTER:
        return MAKE_THEN_DIE;
    case TORN:
        return TEAR_THEN_DIE;
    default:
        die();
        return PROCEED;
    }
}

/* The verdict about a call on an open file; a file elsewhere proceeds uncounted. */
static enum verdict decide_file(const char *call, int file)
{
    char path[PATH_MAX];
    const char *relative;
    int saved = errno;
    relative = resolve(file, NULL, path);
    errno = saved;
    return relative ? decide(call, relative) : PROCEED;
}

static enum verdict decide_path(const char *call, int directory, const char *name)
{
    char path[PATH_MAX];
    const char *relative;
    int saved = errno;
    relative = resolve(directory, name, path);
    errno = saved;
    return relative ? decide(call, relative) : PROCEED;
}

/* Makes the call as decided: `half` is what a torn one still does. */
#define CARRY_OUT(type, decision, whole, half) \
    do {                                       \
        enum verdict decided = (decision);     \
        type result;                           \
        if (decided == FAIL)                   \
            return -1;                         \
        if (decided == TEAR_THEN_DIE) {        \
            half;                              \
            die();                             \
        }                                      \
        result = (type)(whole);                \
        if (decided == MAKE_THEN_DIE)          \
            die();                             \
        return result;                         \
    } while (0)

ssize_t write(int file, const void *bytes, size_t count)
{
    CARRY_OUT(ssize_t, decide_file("write", file),
              syscall(SYS_write, file, bytes, count),
              syscall(SYS_write, file, bytes, count / 2));
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset)
{
    CARRY_OUT(ssize_t, decide_file("pwrite", file),
              syscall(SYS_pwrite64, file, bytes, count, offset),
              syscall(SYS_pwrite64, file, bytes, count / 2, offset));
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(file, bytes, count, offset);
}

/* Torn between two of its parts. */
ssize_t writev(int file, const struct iovec *parts, int count)
{
    CARRY_OUT(ssize_t, decide_file("writev", file),
              syscall(SYS_writev, file, parts, count),
              syscall(SYS_writev, file, parts, count / 2));
}

int fsync(int file)
{
    CARRY_OUT(int, decide_file("fsync", file), syscall(SYS_fsync, file), (void)0);
}

int fdatasync(int file)
{
    CARRY_OUT(int, decide_file("fdatasync", file), syscall(SYS_fdatasync, file), (void)0);
}

int ftruncate64(int file, off64_t length)
{
    CARRY_OUT(int, decide_file("ftruncate", file), syscall(SYS_ftruncate, file, length), (void)0);
}

int ftruncate(int file, off_t length)
{
    return ftruncate64(file, length);
}

int unlinkat(int directory, const char *name, int flags)
{
    CARRY_OUT(int, decide_path("unlink", directory, name),
              syscall(SYS_unlinkat, directory, name, flags), (void)0);
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int renameat(int from, const char *old_name, int to, const char *new_name)
{
    CARRY_OUT(int, decide_path("rename", to, new_name),
              syscall(SYS_renameat2, from, old_name, to, new_name, 0), (void)0);
}

int rename(const char *old_name, const char *new_name)
{
    return renameat(AT_FDCWD, old_name, AT_FDCWD, new_name);
}
