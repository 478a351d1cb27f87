/*
 * Preloaded into a child process: its clock of the day is wrong by as much as a file says, from one
 * moment to the next.
 *
 *   CLOCK_FILE  eight bytes, the nanoseconds to add, in the order of this machine
 *
 * The monotonic clocks are right, as they are where somebody sets the time of a machine. The clock is
 * asked by system calls, so that the shim cannot call itself.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static const volatile int64_t *offset;

__attribute__((constructor)) static void read_environment(void)
{
    const char *path = getenv("CLOCK_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped;
    if (file < 0)
        return;
    mapped = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        offset = mapped;
}

int clock_gettime(clockid_t which, struct timespec *told)
{
    int result = (int)syscall(SYS_clock_gettime, which, told);
    if (result == 0 && offset && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t now = told->tv_sec * SECOND + told->tv_nsec + *offset;
        told->tv_sec = now / SECOND;
        told->tv_nsec = now % SECOND;
    }
    return result;
}

int gettimeofday(struct timeval *restrict told, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    told->tv_sec = now.tv_sec;
    told->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *told)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told)
        *told = now.tv_sec;
    return now.tv_sec;
}
