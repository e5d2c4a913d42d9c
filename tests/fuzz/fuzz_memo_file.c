/*
 * The file of the memo, as somebody has changed it: triples of bytes say where
 * and what, one at the end where it is cut, and those that begin with 255 which
 * calls of the system fail: one of the list below, and a bit for each of the
 * first eight. No entry comes out of it that was not put in, in its place, nor
 * one that has lapsed; what cannot be read is as if it were not there.
 */
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/vfs.h>

#include "common/decide/memo_file.h"
#include "tests/fuzz/scratch.h"

enum { PLACES = 12, HEADER = 144, ROW = 64, NOW = 1000 };
enum { WHOLE = HEADER + PLACES * ROW };

/* ---- the system ---- */

#define CALL_LIST(X)                                                           \
	X(open)                                                                \
	X(openat)                                                              \
	X(stat)                                                                \
	X(fstat)                                                               \
	X(owner) /* fstat() says that it is another user's */                  \
	X(fstatfs)                                                             \
	X(tmpfs) /* fstatfs() says that it is a disk */                        \
	X(flock)                                                               \
	X(pause) /* the time is over */                                        \
	X(read)                                                                \
	X(pread)                                                               \
	X(ftruncate)

enum call {
#define CALL_ENUM(name) CALL_##name,
	CALL_LIST(CALL_ENUM)
#undef CALL_ENUM
	    CALL_COUNT,
};

static struct {
	uint8_t failing; /* bits */
	unsigned int seen;
} calls[CALL_COUNT];
static bool theirs; /* the calls are those of the memo, not of this file */

static bool
fails(enum call call)
{
	unsigned int nth = theirs ? calls[call].seen++ : 8;

	if (nth >= 8 || (calls[call].failing >> nth & 1) == 0)
		return false;
	errno = call == CALL_flock ? EWOULDBLOCK : EIO;
	return true;
}

FUZZ_WRAP(int, open, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(args, mode_t);
	va_end(args);
	return fails(CALL_open) ? -1 : __real_open(path, flags, mode);
}

FUZZ_WRAP(int, openat, int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(args, mode_t);
	va_end(args);
	return fails(CALL_openat) ? -1 : __real_openat(dir, path, flags, mode);
}

FUZZ_WRAP(int, stat, const char *path, struct stat *st)
{
	return fails(CALL_stat) ? -1 : __real_stat(path, st);
}

FUZZ_WRAP(int, fstat, int fd, struct stat *st)
{
	int rc = fails(CALL_fstat) ? -1 : __real_fstat(fd, st);

	if (fails(CALL_owner))
		st->st_uid = geteuid() + 1;
	return rc;
}

FUZZ_WRAP(int, fstatfs, int fd, struct statfs *fs)
{
	int rc = fails(CALL_fstatfs) ? -1 : __real_fstatfs(fd, fs);

	if (fails(CALL_tmpfs))
		fs->f_type = 0;
	return rc;
}

FUZZ_WRAP(int, flock, int fd, int how)
{
	return fails(CALL_flock) ? -1 : __real_flock(fd, how);
}

/* Nobody waits here. */
FUZZ_WRAP(bool, jp_pause, int64_t deadline_ms)
{
	(void)deadline_ms;
	return !fails(CALL_pause);
}

FUZZ_WRAP(ssize_t, read, int fd, void *to, size_t len)
{
	return fails(CALL_read) ? -1 : __real_read(fd, to, len);
}

FUZZ_WRAP(ssize_t, pread, int fd, void *to, size_t len, off_t from)
{
	return fails(CALL_pread) ? -1 : __real_pread(fd, to, len, from);
}

FUZZ_WRAP(int, ftruncate, int fd, off_t len)
{
	return fails(CALL_ftruncate) ? -1 : __real_ftruncate(fd, len);
}

/* ---- the file ---- */

static const struct jp_pepper pepper = { { 3 } };
static struct jp_memo_ties ties;
static struct jp_memo_entry put[PLACES];
static uint8_t whole[WHOLE];
static char path[96];

/* NULL: a call has failed; there are no entries then. */
static struct jp_memo_file *
open_file(struct jp_memo_entry entries[PLACES], int64_t now)
{
	static const struct jp_memo_entry none;
	struct jp_memo_file *file = NULL;
	struct jp_why why = { .text = "" };
	enum jp_err err = jp_memo_file_open(
	    &file, fuzz_scratch(), &ties, entries, PLACES, now, &why);

	FUZZ_ASSERT((err == JP_ERR_OK) == (file != NULL));
	if (file != NULL)
		return file;
	fuzz_says(why.text);
	for (size_t i = 0; i < PLACES; i++)
		FUZZ_ASSERT(memcmp(&entries[i], &none, sizeof(none)) == 0);
	return NULL;
}

/* All places are taken but the last one. */
static void
make_whole(void)
{
	struct jp_memo_entry entries[PLACES];
	struct jp_memo_file *file;
	int fd;

	FUZZ_ASSERT(sodium_init() >= 0);
	FUZZ_ASSERT(
	    jp_memo_ties_make(&ties, fuzz_scratch(), &pepper) == JP_ERR_OK);
	file = open_file(entries, NOW);
	FUZZ_ASSERT(file != NULL);
	for (size_t i = 0; i + 1 < PLACES; i++) {
		memset(put[i].tag, (int)(i + 1), sizeof(put[i].tag));
		put[i].deadline = NOW + 100 + (int64_t)i;
		jp_memo_file_write(file, i, &put[i]);
	}
	jp_memo_file_close(file);
	(void)snprintf(
	    path, sizeof(path), "%s/" JP_MEMO_FILE_NAME, fuzz_scratch());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	FUZZ_ASSERT(fd >= 0 && read(fd, whole, WHOLE) == WHOLE);
	(void)close(fd);
}

/* Bytes that say how it has changed and what fails. */
static void
take(const uint8_t *data, size_t size)
{
	uint8_t bytes[WHOLE];
	size_t len = WHOLE;

	memset(calls, 0, sizeof(calls));
	memcpy(bytes, whole, sizeof(bytes));
	for (; size >= 3; data += 3, size -= 3)
		if (data[0] == UINT8_MAX)
			calls[data[1] % CALL_COUNT].failing = data[2];
		else
			bytes[(size_t)(data[0] << 8 | data[1]) % WHOLE] ^=
			    data[2];
	if (size == 2)
		len = (size_t)(data[0] << 8 | data[1]) % WHOLE;
	fuzz_scratch_write(path, bytes, len, 0600);
}

static void
check(const struct jp_memo_entry entries[PLACES], int64_t now)
{
	static const struct jp_memo_entry none;

	for (size_t i = 0; i < PLACES; i++) {
		if (memcmp(&entries[i], &none, sizeof(none)) == 0)
			continue;
		FUZZ_ASSERT(memcmp(&entries[i], &put[i], sizeof(put[i])) == 0);
		FUZZ_ASSERT(entries[i].deadline > now);
	}
}

/* false: it cannot be told what the file belongs to. */
static bool
take_out(struct jp_memo_entry entries[PLACES], int64_t now)
{
	if (jp_memo_ties_make(&ties, fuzz_scratch(), &pepper) != JP_ERR_OK)
		return false;
	jp_memo_file_close(open_file(entries, now));
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_memo_entry entries[PLACES];
	int64_t now;
	bool taken;

	if (size == 0)
		return 0;
	if (whole[0] == '\0')
		make_whole();
	now = NOW + data[0] - 64;
	take(data + 1, size - 1);
	theirs = true;
	taken = take_out(entries, now);
	theirs = false;
	if (taken)
		check(entries, now);
	else
		FUZZ_ASSERT(calls[CALL_stat].failing != 0);
	if (size == 1 && now < NOW + 100 && now >= NOW)
		FUZZ_ASSERT(memcmp(entries, put, sizeof(put)) == 0);
	return 0;
}
