/* A folder for what can be read from files alone; it goes when the program
 * ends, whatever ends it. */
#ifndef JP_FUZZ_SCRATCH_H
#define JP_FUZZ_SCRATCH_H

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static char fuzz_scratch_path[] = "/dev/shm/jira-pat-fuzz.XXXXXX";

static int
fuzz_scratch_remove(
    const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void
fuzz_scratch_end(void)
{
	(void)nftw(
	    fuzz_scratch_path, fuzz_scratch_remove, 4, FTW_DEPTH | FTW_PHYS);
}

/* A process that waits for the end of this one: the pipe breaks then. It is in
 * a session of its own, since all of a session may be killed. */
static inline void
fuzz_scratch_watch(void)
{
	int ends[2];
	char byte;
	pid_t pid;

	FUZZ_ASSERT(pipe2(ends, O_CLOEXEC) == 0);
	pid = fork();
	FUZZ_ASSERT(pid >= 0);
	if (pid > 0) {
		(void)close(ends[0]);
		return;
	}
	(void)setsid();
	(void)close(ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		;
	fuzz_scratch_end();
	_exit(0);
}

/* Its path; on a tmpfs, of mode 0700. */
static inline const char *
fuzz_scratch(void)
{
	static bool made;

	if (!made) {
		FUZZ_ASSERT(mkdtemp(fuzz_scratch_path) != NULL);
		FUZZ_ASSERT(atexit(fuzz_scratch_end) == 0);
		fuzz_scratch_watch();
		made = true;
	}
	return fuzz_scratch_path;
}

/* A new file of that path, with these bytes. */
static inline void
fuzz_scratch_write(
    const char *path, const uint8_t *data, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	FUZZ_ASSERT(fchmod(fd, mode) == 0);
	(void)close(fd);
}

#endif
