#include "common/decide/memo_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/clock.h"

#define FORMAT 1U

enum {
	MAC_LEN = 32,
	ROW_MAC_LEN = 24,
	BATCH = 256,    /* rows that are read or written at once */
	LOCK_MS = 1000, /* for a patd that was just killed */
};

/* All bytes before `mac` say what the file belongs to. */
struct header {
	char magic[8];
	uint32_t format, row_size;
	uint64_t rows;
	uint64_t store_dev, store_ino;
	char boot[JP_BOOT_ID_LEN];
	uint8_t seed[JP_MEMO_KEY_LEN];
	uint8_t mac[MAC_LEN];
};

struct row {
	struct jp_memo_entry entry;
	uint8_t mac[ROW_MAC_LEN]; /* of place and entry */
};

_Static_assert(sizeof(struct header) == 144 && sizeof(struct row) == 64,
    "what lies in a file has no holes");

/* In locked memory. */
struct jp_memo_file {
	int fd;
	size_t len;              /* rows */
	struct header ties;      /* the header without seed and mac */
	struct jp_memo_key base; /* from the pepper */
	struct jp_memo_key key;  /* from `base` and the header */
	void *mapped;            /* NULL: the file is not locked in memory */
};

/* ---- keys ---- */

/* `len` bytes of the keyed BLAKE2b of two texts. */
static void
hash(const struct jp_memo_key *key, const void *first, size_t first_len,
    const void *second, size_t second_len, uint8_t *out, size_t len)
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(
	    &state, key->bytes, sizeof(key->bytes), len);
	(void)crypto_generichash_update(&state, first, first_len);
	(void)crypto_generichash_update(&state, second, second_len);
	(void)crypto_generichash_final(&state, out, len);
	sodium_memzero(&state, sizeof(state));
}

/* The key that `header` stands for, and its MAC. */
static void
seal_header(struct jp_memo_file *file, struct header *header)
{
	static const char domain[] = "jpat-memo-head-v1";

	hash(&file->base, header, offsetof(struct header, mac), "", 0,
	    file->key.bytes, sizeof(file->key.bytes));
	hash(&file->key, domain, sizeof(domain), "", 0, header->mac,
	    sizeof(header->mac));
}

static void
seal_row(const struct jp_memo_file *file, size_t place,
    const struct jp_memo_entry *entry, uint8_t mac[ROW_MAC_LEN])
{
	struct {
		char domain[24];
		uint64_t place;
	} first = { "jpat-memo-row-v1", place };

	hash(&file->key, &first, sizeof(first), entry, sizeof(*entry), mac,
	    ROW_MAC_LEN);
}

/* ---- what a file belongs to ---- */

enum jp_err
jp_memo_ties_make(struct jp_memo_ties *ties, const char *store_dir,
    const struct jp_pepper *pepper)
{
	struct stat st;

	*ties = (struct jp_memo_ties){ .pepper = pepper };
	if (stat(store_dir, &st) != 0)
		return jp_err_from_errno(errno);
	ties->store_dev = st.st_dev;
	ties->store_ino = st.st_ino;
	/* Without it the file system alone tells boots apart. */
	jp_boot_id(ties->boot);
	return JP_ERR_OK;
}

/* ---- where it lies ---- */

static enum jp_err
failed(struct jp_why *why, const char *what, const char *run_dir)
{
	int errnum = errno;

	return jp_why(why, jp_err_from_errno(errnum),
	    "cannot %s %s/" JP_MEMO_FILE_NAME ": %s", what, run_dir,
	    strerror(errnum));
}

static int
open_dir(const char *run_dir)
{
	return open(run_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static enum jp_err
check_kind(int dir_fd, const char *run_dir, struct jp_why *why)
{
	struct statfs fs;

	if (fstatfs(dir_fd, &fs) != 0)
		return failed(why, "make", run_dir);
	if (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
		return jp_why(why, JP_ERR_REFUSED,
		    "%s is not a tmpfs: what is known of tokens stays in "
		    "memory, and a start proves each of them anew",
		    run_dir);
	return JP_ERR_OK;
}

enum jp_err
jp_memo_file_place(const char *run_dir, struct jp_why *why)
{
	int dir_fd = open_dir(run_dir);
	enum jp_err err;

	if (dir_fd < 0)
		return failed(why, "make", run_dir);
	err = check_kind(dir_fd, run_dir, why);
	(void)close(dir_fd);
	return err;
}

static enum jp_err
check_dir(int dir_fd, const char *run_dir, struct jp_why *why)
{
	struct stat st;

	if (fstat(dir_fd, &st) != 0)
		return failed(why, "make", run_dir);
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return jp_why(why, JP_ERR_REFUSED,
		    "others than the user of patd may write in %s: what is "
		    "known of tokens stays in memory",
		    run_dir);
	return check_kind(dir_fd, run_dir, why);
}

/* Nobody else can have read or written it, now or under another name. */
static bool
is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid() && st.st_nlink == 1 &&
	       (st.st_mode & 07777) == 0600;
}

/* -1: there is none that is ours. */
static int
open_there(int dir_fd)
{
	int fd = openat(dir_fd, JP_MEMO_FILE_NAME,
	    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && !is_ours(fd)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* In place of whatever has its name, as far as that can go. */
static int
make_anew(int dir_fd)
{
	int fd;

	(void)unlinkat(dir_fd, JP_MEMO_FILE_NAME, 0);
	fd = openat(dir_fd, JP_MEMO_FILE_NAME,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)fchmod(fd, 0600);
	return fd;
}

/* One that was just killed lets go of it in a moment. */
static bool
lock(int fd)
{
	int64_t deadline_ms = jp_now_ms() + LOCK_MS;
	int ret;

	do
		ret = flock(fd, LOCK_EX | LOCK_NB);
	while (ret != 0 && (errno == EWOULDBLOCK || errno == EINTR) &&
	       jp_pause(deadline_ms));
	return ret == 0;
}

/* It may have been replaced before it was locked. */
static enum jp_err
open_locked(int dir_fd, const char *run_dir, int *out, struct jp_why *why)
{
	int fd = open_there(dir_fd);

	if (fd < 0)
		fd = make_anew(dir_fd);
	if (fd < 0)
		return failed(why, "make", run_dir);
	if (lock(fd) && is_ours(fd)) {
		*out = fd;
		return JP_ERR_OK;
	}
	(void)close(fd);
	return jp_why(why, JP_ERR_LOCKED,
	    "%s/" JP_MEMO_FILE_NAME " is in use by another patd", run_dir);
}

/* ---- rows ---- */

static off_t
row_at(size_t place)
{
	return (off_t)(sizeof(struct header) + place * sizeof(struct row));
}

static size_t
batch_at(const struct jp_memo_file *file, size_t place)
{
	return file->len - place < BATCH ? file->len - place : BATCH;
}

/* A free place is zeroes, too. */
static void
make_row(const struct jp_memo_file *file, size_t place,
    const struct jp_memo_entry *entry, struct row *row)
{
	memset(row, 0, sizeof(*row));
	if (entry->deadline == 0)
		return;
	row->entry = *entry;
	seal_row(file, place, entry, row->mac);
}

static bool
is_valid(const struct jp_memo_file *file, size_t place, const struct row *row,
    int64_t now)
{
	uint8_t mac[ROW_MAC_LEN];

	if (row->entry.deadline <= now ||
	    row->entry.deadline > now + JP_MEMO_LIFETIME)
		return false;
	seal_row(file, place, &row->entry, mac);
	return sodium_memcmp(mac, row->mac, sizeof(mac)) == 0;
}

/* Whether all of them could be read, and none had to be dropped. */
static bool
take_rows(const struct jp_memo_file *file, size_t place, size_t count,
    int64_t now, struct jp_memo_entry *entries)
{
	static const struct row nothing;
	struct row rows[BATCH];
	size_t size = count * sizeof(rows[0]);
	bool clean = true;

	if (pread(file->fd, rows, size, row_at(place)) != (ssize_t)size)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (is_valid(file, place + i, &rows[i], now))
			entries[i] = rows[i].entry;
		else if (memcmp(&rows[i], &nothing, sizeof(nothing)) != 0)
			clean = false;
	}
	return clean;
}

/* `entries` NULL: all are free. */
static void
put_rows(const struct jp_memo_file *file, size_t place, size_t count,
    const struct jp_memo_entry *entries)
{
	static const struct jp_memo_entry none;
	struct row rows[BATCH];

	for (size_t i = 0; i < count; i++)
		make_row(file, place + i, entries != NULL ? &entries[i] : &none,
		    &rows[i]);
	/* cppcheck-suppress uninitvar ; `count` of them were made */
	(void)!pwrite(file->fd, rows, count * sizeof(rows[0]), row_at(place));
}

/* Whether anything was valid; what is dropped here does not come back later. */
static bool
load(
    const struct jp_memo_file *file, int64_t now, struct jp_memo_entry *entries)
{
	bool any = false;

	for (size_t place = 0; place < file->len;) {
		size_t count = batch_at(file, place);

		if (!take_rows(file, place, count, now, &entries[place]))
			put_rows(file, place, count, &entries[place]);
		for (size_t i = place; i < place + count; i++)
			any = any || entries[i].deadline != 0;
		place += count;
	}
	return any;
}

/* ---- the file ---- */

/*
 * Mapped for this alone, as nothing is read or written there: it would be
 * SIGBUS where somebody cuts the file.
 */
void
jp_memo_file_lock(struct jp_memo_file *file)
{
	size_t size = (size_t)row_at(file->len);
	void *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, file->fd, 0);

	if (mapped == MAP_FAILED)
		return;
	(void)madvise(mapped, size, MADV_DONTDUMP);
	if (mlock(mapped, size) == 0)
		file->mapped = mapped;
	else
		(void)munmap(mapped, size);
}

static struct jp_memo_file *
make_file(const struct jp_memo_ties *ties, size_t len)
{
	struct jp_memo_file *file = sodium_malloc(sizeof(*file));

	if (file == NULL)
		return NULL;
	memset(file, 0, sizeof(*file));
	file->fd = -1;
	file->len = len;
	file->ties = (struct header){
		.magic = "JPMEMO",
		.format = FORMAT,
		.row_size = sizeof(struct row),
		.rows = len,
		.store_dev = ties->store_dev,
		.store_ino = ties->store_ino,
	};
	memcpy(file->ties.boot, ties->boot, sizeof(file->ties.boot));
	jp_pepper_derive(ties->pepper, "jpat-memo-file-v1", file->base.bytes,
	    sizeof(file->base.bytes));
	return file;
}

/*
 * Whether it is what this process would have written, with the seed that is in
 * it. Its key is then that of the file.
 */
static bool
belongs(struct jp_memo_file *file)
{
	struct header found, wanted = file->ties;
	struct stat st;

	if (fstat(file->fd, &st) != 0 || st.st_size != row_at(file->len) ||
	    pread(file->fd, &found, sizeof(found), 0) != (ssize_t)sizeof(found))
		return false;
	memcpy(wanted.seed, found.seed, sizeof(wanted.seed));
	seal_header(file, &wanted);
	return sodium_memcmp(&wanted, &found, sizeof(found)) == 0;
}

/* All its space is taken now: a full tmpfs is no trouble later. */
static bool
reserve(const struct jp_memo_file *file)
{
	int errnum;

	if (ftruncate(file->fd, 0) != 0)
		return false;
	errnum = posix_fallocate(file->fd, 0, row_at(file->len));
	errno = errnum;
	return errnum == 0;
}

static enum jp_err
open_file(struct jp_memo_file *file, const char *run_dir,
    struct jp_memo_entry *entries, int64_t now, struct jp_why *why)
{
	int dir_fd = open_dir(run_dir);
	enum jp_err err;
	bool ours;

	if (dir_fd < 0)
		return failed(why, "make", run_dir);
	err = check_dir(dir_fd, run_dir, why);
	if (err == JP_ERR_OK)
		err = open_locked(dir_fd, run_dir, &file->fd, why);
	(void)close(dir_fd);
	if (err != JP_ERR_OK)
		return err;
	ours = belongs(file);
	if (!ours && !reserve(file)) {
		err = failed(why, "make room for", run_dir);
		jp_memo_file_remove(run_dir);
		return err;
	}
	if (!ours || !load(file, now, entries)) /* nobody needs its key */
		jp_memo_file_renew(file);
	return JP_ERR_OK;
}

enum jp_err
jp_memo_file_open(struct jp_memo_file **out, const char *run_dir,
    const struct jp_memo_ties *ties, struct jp_memo_entry *entries, size_t len,
    int64_t now, struct jp_why *why)
{
	struct jp_memo_file *file = make_file(ties, len);
	enum jp_err err;

	*out = NULL;
	if (file == NULL)
		return jp_why(
		    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	memset(entries, 0, len * sizeof(*entries));
	err = open_file(file, run_dir, entries, now, why);
	if (err == JP_ERR_OK)
		*out = file;
	else
		jp_memo_file_close(file);
	return err;
}

void
jp_memo_file_close(struct jp_memo_file *file)
{
	if (file == NULL)
		return;
	if (file->mapped != NULL)
		(void)munmap(file->mapped, (size_t)row_at(file->len));
	if (file->fd >= 0)
		(void)close(file->fd);
	sodium_free(file); /* wipes it */
}

void
jp_memo_file_remove(const char *run_dir)
{
	int dir_fd = open_dir(run_dir);

	if (dir_fd < 0)
		return;
	(void)unlinkat(dir_fd, JP_MEMO_FILE_NAME, 0);
	(void)close(dir_fd);
}

void
jp_memo_file_key(const struct jp_memo_file *file, struct jp_memo_key *key)
{
	*key = file->key;
}

void
jp_memo_file_write(
    struct jp_memo_file *file, size_t place, const struct jp_memo_entry *entry)
{
	struct row row;

	make_row(file, place, entry, &row);
	(void)!pwrite(file->fd, &row, sizeof(row), row_at(place));
}

/* The header goes first: from then on no old row matches. */
void
jp_memo_file_renew(struct jp_memo_file *file)
{
	struct header header = file->ties;

	randombytes_buf(header.seed, sizeof(header.seed));
	seal_header(file, &header);
	(void)!pwrite(file->fd, &header, sizeof(header), 0);
	for (size_t place = 0; place < file->len;) {
		size_t count = batch_at(file, place);

		put_rows(file, place, count, NULL);
		place += count;
	}
}
