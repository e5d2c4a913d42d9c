/*
 * The reserve: a file in the directory that takes space while there is some, so
 * that tokens can be revoked and users disabled on a disk that is full. Where
 * such a transaction finds no space the file gives some up, a step at a time:
 * if whatever fills the disk takes it first, there is another step. Until
 * the file is whole again nothing else is written. It is called with the gate
 * closed, or where there are no other threads yet.
 */
#include "common/store/bdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	STEP = 16 << 10, /* about ten revocations: no more to lose to others */
	SPARE = 128 << 10, /* stays free when it grows */
	CHUNK = 4096,
};

_Static_assert(JP_STORE_RESERVE % STEP == 0, "it is given up in steps");

/* Where the file system cannot be asked for space; it may compress, too. */
static bool
write_all(int fd, off_t from, off_t to)
{
	uint8_t bytes[CHUNK];

	while (from < to) {
		size_t len = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t put;

		randombytes_buf(bytes, len);
		put = pwrite(fd, bytes, len, from);
		if (put <= 0)
			return false;
		from += put;
	}
	return true;
}

static off_t
size_of(const struct bdb *bdb)
{
	struct stat st;

	if (bdb->reserve_fd < 0 || fstat(bdb->reserve_fd, &st) != 0 ||
	    st.st_blocks * 512 < st.st_size) /* a copy with holes */
		return 0;
	return st.st_size < JP_STORE_RESERVE ? st.st_size : JP_STORE_RESERVE;
}

/* By how much it may grow now. */
static off_t
room_for(const struct bdb *bdb, off_t size)
{
	off_t most = JP_STORE_RESERVE - size;
	struct statvfs fs;
	uint64_t bytes;

	if (fstatvfs(bdb->dir_fd, &fs) != 0)
		return 0;
	bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (bytes <= SPARE)
		return 0;
	return bytes - SPARE < (uint64_t)most
	           ? (off_t)((bytes - SPARE) / STEP * STEP)
	           : most;
}

/* What a half-made growth has taken goes back. */
static void
grow(const struct bdb *bdb, off_t size, off_t more)
{
	int ret;

	if (more <= 0)
		return;
	ret = fallocate(bdb->reserve_fd, 0, size, more);
	if (ret == 0 || (errno == EOPNOTSUPP &&
	                    write_all(bdb->reserve_fd, size, size + more)))
		return;
	(void)!ftruncate(bdb->reserve_fd, size);
}

static void
note_size(struct bdb *bdb)
{
	atomic_store(&bdb->reserve, (uint32_t)size_of(bdb));
}

void
bdb_reserve_open(struct bdb *bdb)
{
	bdb->reserve_fd = openat(bdb->dir_fd, BDB_RESERVE_NAME,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	note_size(bdb);
}

bool
bdb_reserve_fill(struct bdb *bdb)
{
	off_t size;

	if (atomic_load(&bdb->reserve) == JP_STORE_RESERVE)
		return true;
	size = size_of(bdb);
	if (bdb->reserve_fd < 0) /* there is none, and no use in waiting */
		return true;
	grow(bdb, size, room_for(bdb, size));
	note_size(bdb);
	return atomic_load(&bdb->reserve) == JP_STORE_RESERVE;
}

bool
bdb_reserve_spend(struct bdb *bdb)
{
	off_t size = size_of(bdb);

	if (size <= 0)
		return false;
	size = size > STEP ? size - STEP : 0;
	if (ftruncate(bdb->reserve_fd, size) != 0)
		return false;
	(void)fsync(bdb->reserve_fd); /* some free it no earlier */
	note_size(bdb);
	return true;
}
