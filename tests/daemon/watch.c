/*
 * Linked into a patd of its own: counts what it allocates, itself and through
 * its libraries, and stops it at its very end, so that a test can look into
 * its memory. The C library lets a program define these functions (glibc
 * manual, "Replacing malloc").
 *
 *     JP_WATCH_COUNT=FILE  the number of allocations is written there at the
 *                          end
 *     JP_WATCH_STOP=1      SIGSTOP when main() has returned
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *old);

EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *old, size_t size);
EXPORT void *memalign(size_t alignment, size_t size);
EXPORT void *aligned_alloc(size_t alignment, size_t size);
EXPORT int posix_memalign(void **out, size_t alignment, size_t size);
EXPORT void free(void *old);

static atomic_ulong allocations;
static int count_fd = -1;

void *
malloc(size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_realloc(old, size);
}

void *
memalign(size_t alignment, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_memalign(alignment, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int
posix_memalign(void **out, size_t alignment, size_t size)
{
	*out = memalign(alignment, size);
	return *out != NULL ? 0 : ENOMEM;
}

void
free(void *old)
{
	__libc_free(old);
}

/* While the process may still write where its starter may. */
__attribute__((constructor)) static void
begin(void)
{
	const char *file = getenv("JP_WATCH_COUNT");

	if (file != NULL)
		count_fd =
		    open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

__attribute__((destructor)) static void
end(void)
{
	if (count_fd >= 0)
		(void)dprintf(count_fd, "%lu\n", atomic_load(&allocations));
	if (getenv("JP_WATCH_STOP") != NULL)
		(void)raise(SIGSTOP);
}
