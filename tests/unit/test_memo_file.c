/*
 * The file of the memo, common/decide/memo_file.c: what another process of the
 * same boot finds in it, and that nothing which anybody did to it is believed.
 * The directory has to lie on a tmpfs, for elsewhere there is no file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/decide/memo.h"
#include "tests/leave_out.h"

#define PHC "$argon2id$v=19$m=8,t=1,p=1$AAAA$BBBB"
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
	START = 1000,
	ENTRIES = 16,
	HEADER = 144, /* bytes of the file */
	ROW = 64,
	TOKENS = 3, /* and one more: every set has room for them */
	SIZE = HEADER + ENTRIES * ROW,
	SIZE_MAX_READ = 2 * SIZE,
};

static char dir[64]; /* on a tmpfs; "": there is none */
static char path[80];
static int64_t now;
static struct jp_pepper pepper; /* random */
static int lock_fails;          /* this often, with EWOULDBLOCK and EINTR */

/* As if another patd, which was just killed, let go of it in a moment. */
int
flock(int fd, int operation)
{
	if (lock_fails > 0) {
		errno = lock_fails-- % 2 == 0 ? EWOULDBLOCK : EINTR;
		return -1;
	}
	return (int)syscall(SYS_flock, fd, operation);
}

/* What holds secrets: how much there is now, and how much more there may be. */
static struct {
	int held, left;
} locked = { 0, 1000 };

void *
sodium_malloc(size_t size)
{
	void *(*real)(size_t) = NULL;
	void *memory;

	*(void **)&real = dlsym(RTLD_NEXT, "sodium_malloc");
	memory = real != NULL && locked.left > 0 ? real(size) : NULL;
	locked.held += memory != NULL;
	locked.left -= memory != NULL;
	return memory;
}

void
sodium_free(void *memory)
{
	void (*real)(void *) = NULL;

	*(void **)&real = dlsym(RTLD_NEXT, "sodium_free");
	locked.held -= memory != NULL;
	locked.left += memory != NULL;
	if (real != NULL)
		real(memory);
}

static int64_t
test_now(void *arg)
{
	(void)arg;
	return now;
}

static bool
is_tmpfs(const char *folder)
{
	struct statfs fs;

	return statfs(folder, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

static struct jp_memo_ties
ties(void)
{
	return (struct jp_memo_ties){
		.boot = "9c5d2e10-0000-4000-8000-000000000001\n",
		.store_dev = 7,
		.store_ino = 8,
		.pepper = &pepper,
	};
}

/* ---- a patd, as far as its memo goes ---- */

static struct jp_memo *
make(uint32_t entries)
{
	const struct jp_clock clock = { test_now, NULL };
	struct jp_memo *memo;

	assert_int_equal(jp_memo_make(&memo, entries, &clock), JP_ERR_OK);
	return memo;
}

/* `kept` pairs were in the file. */
static struct jp_memo *
start_with(uint32_t entries, const struct jp_memo_ties *with, uint64_t *kept)
{
	struct jp_memo *memo = make(entries);
	struct jp_why why = { .text = "" };

	assert_int_equal(jp_memo_keep(memo, dir, with, kept, &why), JP_ERR_OK);
	assert_string_equal(why.text, "");
	return memo;
}

static struct jp_memo *
start(void)
{
	const struct jp_memo_ties with = ties();
	uint64_t kept;

	return start_with(ENTRIES, &with, &kept);
}

static enum jp_err
keep(struct jp_memo *memo)
{
	const struct jp_memo_ties with = ties();
	struct jp_why why = { .text = "" };
	uint64_t kept;
	enum jp_err err = jp_memo_keep(memo, dir, &with, &kept, &why);

	assert_int_equal(err == JP_ERR_OK, why.text[0] == '\0');
	return err;
}

static struct jp_secret
numbered(size_t number)
{
	struct jp_secret secret;
	char text[16];

	(void)snprintf(text, sizeof(text), "t%zu", number);
	assert_int_equal(jp_secret_set(&secret, text, strlen(text)), JP_ERR_OK);
	return secret;
}

static void
add(struct jp_memo *memo, size_t number)
{
	const struct jp_secret secret = numbered(number);

	jp_memo_add(memo, PHC, &secret, true);
}

static bool
finds(struct jp_memo *memo, size_t number)
{
	const struct jp_secret secret = numbered(number);

	return jp_memo_find(memo, PHC, &secret);
}

/* How many of the first TOKENS; none of those behind them is ever found. */
static size_t
found(struct jp_memo *memo)
{
	size_t count = 0;

	for (size_t i = 0; i < TOKENS; i++)
		count += finds(memo, i);
	for (size_t i = TOKENS; i < 3 * TOKENS; i++)
		assert_false(finds(memo, i));
	return count;
}

static uint64_t
taken(struct jp_memo *memo)
{
	struct jp_memo_counts counts;

	jp_memo_count(memo, &counts);
	return counts.entries;
}

/* What the next patd finds, which goes on with it. */
static size_t
found_by_next(void)
{
	const struct jp_secret secret = numbered(3 * TOKENS);
	struct jp_memo *memo = start();
	size_t count = found(memo);

	assert_int_equal(taken(memo), count);
	jp_memo_add(memo, PHC, &secret, false);
	assert_true(finds(memo, 3 * TOKENS));
	jp_memo_free(memo);
	return count;
}

/* ---- the file ---- */

struct image {
	size_t len;
	uint8_t bytes[SIZE_MAX_READ];
};

static void
read_file(struct image *image)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	assert_true(fd >= 0);
	len = read(fd, image->bytes, sizeof(image->bytes));
	assert_in_range(len, 0, sizeof(image->bytes) - 1);
	image->len = (size_t)len;
	(void)close(fd);
}

static void
write_file(const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	(void)close(fd);
}

/* A file with the first TOKENS, as a patd that was killed leaves it. */
static void
make_file(struct image *image)
{
	struct jp_memo *memo;

	(void)unlink(path);
	now = START;
	memo = start();
	for (size_t i = 0; i < TOKENS; i++)
		add(memo, i);
	jp_memo_free(memo);
	read_file(image);
	assert_int_equal(image->len, SIZE);
}

static bool
is_free(const struct image *image, size_t place)
{
	static const uint8_t nothing[ROW];

	return memcmp(image->bytes + HEADER + place * ROW, nothing, ROW) == 0;
}

static size_t
used_places(const struct image *image)
{
	size_t used = 0;

	for (size_t place = 0; place < ENTRIES; place++)
		used += !is_free(image, place);
	return used;
}

static bool
holds(const struct image *image, const void *bytes, size_t len)
{
	return memmem(image->bytes, image->len, bytes, len) != NULL;
}

/* ---- what lasts ---- */

static void
the_next_one_knows_what_was_proved(void **state)
{
	const struct jp_memo_ties with = ties();
	struct jp_memo *memo;
	struct image image;
	uint64_t kept;

	(void)state;
	make_file(&image);
	for (int i = 0; i < 3; i++) {
		memo = start_with(ENTRIES, &with, &kept);
		assert_int_equal(kept, TOKENS);
		assert_int_equal(found(memo), TOKENS);
		jp_memo_free(memo);
	}
	memo = start_with(ENTRIES, &with, &kept);
	add(memo, TOKENS);
	jp_memo_free(memo);
	memo = start_with(ENTRIES, &with, &kept);
	assert_int_equal(kept, TOKENS + 1);
	assert_true(finds(memo, TOKENS));
	jp_memo_free(memo);
}

static void
a_secret_that_may_be_guessed_is_not_in_the_file(void **state)
{
	const struct jp_secret secret = numbered(0);
	struct jp_memo *memo;
	struct image image;

	(void)state;
	(void)unlink(path);
	memo = start();
	jp_memo_add(memo, PHC, &secret, false);
	assert_true(finds(memo, 0));
	read_file(&image);
	assert_int_equal(used_places(&image), 0);
	jp_memo_free(memo);
	assert_int_equal(found_by_next(), 0);
}

/* One set: whoever comes fifth takes the place of the first. */
static void
what_replaces_an_entry_replaces_it_in_the_file(void **state)
{
	const struct jp_secret secret = numbered(99);
	const struct jp_memo_ties with = ties();
	struct jp_memo *memo;
	uint64_t kept;

	(void)state;
	(void)unlink(path);
	memo = start_with(JP_MEMO_WAYS, &with, &kept);
	for (size_t i = 0; i < JP_MEMO_WAYS; i++, now++)
		add(memo, i);
	jp_memo_add(memo, PHC, &secret, false);
	jp_memo_free(memo);
	memo = start_with(JP_MEMO_WAYS, &with, &kept);
	assert_int_equal(kept, JP_MEMO_WAYS - 1);
	assert_false(finds(memo, 0));
	assert_false(finds(memo, 99));
	jp_memo_free(memo);
}

static void
a_restart_does_not_lengthen_a_life(void **state)
{
	struct image image;

	(void)state;
	make_file(&image);
	now = START + JP_MEMO_LIFETIME - 1;
	assert_int_equal(found_by_next(), TOKENS);
	now = START + JP_MEMO_LIFETIME;
	assert_int_equal(found_by_next(), 0);
	read_file(&image);
	assert_int_equal(used_places(&image), 0);
	now = START; /* what was dropped stays so */
	assert_int_equal(found_by_next(), 0);
}

/* So no key lives longer than the entries that were made with it. */
static void
a_file_in_which_nothing_is_valid_gets_another_key(void **state)
{
	struct image before, after;

	(void)state;
	make_file(&before);
	now = START + JP_MEMO_LIFETIME - 1;
	jp_memo_free(start());
	read_file(&after);
	assert_memory_equal(before.bytes, after.bytes, SIZE);
	now++;
	jp_memo_free(start());
	read_file(&after);
	assert_memory_not_equal(before.bytes, after.bytes, HEADER);
	assert_int_equal(after.len, SIZE);
}

/* Also if the clock went back: what has ended does not begin again. */
static void
what_was_dropped_once_stays_so(void **state)
{
	struct jp_memo *memo;

	(void)state;
	(void)unlink(path);
	now = START;
	memo = start();
	add(memo, 0);
	now += 10;
	add(memo, 1);
	jp_memo_free(memo);
	now = START + JP_MEMO_LIFETIME;
	assert_int_equal(found_by_next(), 1);
	now = START + 10;
	assert_int_equal(found_by_next(), 1);
}

static void
what_was_made_in_the_future_is_dropped(void **state)
{
	struct image image;

	(void)state;
	make_file(&image);
	now = START - 1;
	assert_int_equal(found_by_next(), 0);
	now = START;
	assert_int_equal(found_by_next(), 0);
}

static void
a_flush_forgets_in_the_file_too(void **state)
{
	struct image before, after;
	struct jp_memo *memo;

	(void)state;
	make_file(&before);
	memo = start();
	jp_memo_flush(memo);
	read_file(&after);
	assert_int_equal(used_places(&after), 0);
	assert_memory_not_equal(before.bytes, after.bytes, HEADER);
	add(memo, 0);
	jp_memo_free(memo);
	assert_int_equal(found_by_next(), 1);
	/* rows from before do not fit the new header */
	memcpy(before.bytes, after.bytes, HEADER);
	write_file(before.bytes, before.len);
	assert_int_equal(found_by_next(), 0);
}

/* ---- what anybody can do to it ---- */

static void
neither_token_nor_hash_nor_key_is_in_it(void **state)
{
	const struct jp_secret secret = { 21, "a text of some length" };
	struct jp_memo_key key;
	struct jp_memo *memo;
	struct image image;

	(void)state;
	(void)unlink(path);
	memo = start();
	jp_memo_add(memo, PHC, &secret, true);
	jp_memo_free(memo);
	read_file(&image);
	assert_int_equal(used_places(&image), 1);
	assert_false(holds(&image, secret.text, 6));
	assert_false(holds(&image, PHC, 6));
	assert_false(holds(&image, pepper.key, sizeof(pepper.key)));
	/* What is random in it is not the key either, nor is the pepper's. */
	for (size_t at = 0; at + sizeof(key) <= HEADER; at++) {
		uint8_t tag[JP_MEMO_TAG_LEN];

		memcpy(key.bytes, image.bytes + at, sizeof(key));
		jp_memo_tag(&key, PHC, &secret, tag);
		assert_false(holds(&image, tag, sizeof(tag)));
	}
}

/* One at a time: only what it belongs to is lost. */
static void
a_changed_byte_is_never_believed(void **state)
{
	static const uint8_t changes[] = { 0x01, 0x80, 0xff };
	struct image image;

	(void)state;
	make_file(&image);
	for (size_t at = 0; at < SIZE * COUNT_OF(changes); at++) {
		size_t byte = at / COUNT_OF(changes), wanted = TOKENS;
		struct image changed = image;

		if (byte < HEADER)
			wanted = 0;
		else if (!is_free(&image, (byte - HEADER) / ROW))
			wanted = TOKENS - 1;
		changed.bytes[byte] ^= changes[at % COUNT_OF(changes)];
		write_file(changed.bytes, changed.len);
		assert_int_equal(found_by_next(), wanted);
	}
}

static void
a_file_of_another_length_is_made_anew(void **state)
{
	struct image image;
	struct stat st;

	(void)state;
	make_file(&image);
	memset(image.bytes + SIZE, 0, sizeof(image.bytes) - SIZE);
	for (size_t len = 0; len < SIZE + 2 * ROW; len++) {
		write_file(image.bytes, len);
		assert_int_equal(found_by_next(), len == SIZE ? TOKENS : 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, SIZE);
	}
}

/* As a write that a kill cut in two leaves it. */
static void
a_torn_entry_is_dropped_and_no_other(void **state)
{
	struct image image;

	(void)state;
	make_file(&image);
	for (size_t place = 0; place < ENTRIES; place++)
		for (size_t cut = 1; cut < ROW && !is_free(&image, place);
		     cut++) {
			struct image torn = image;

			memset(torn.bytes + HEADER + place * ROW + cut, 0,
			    ROW - cut);
			write_file(torn.bytes, torn.len);
			assert_int_equal(found_by_next(), TOKENS - 1);
		}
}

static void
zeroes_and_noise_are_not_believed(void **state)
{
	struct image image, noise;

	(void)state;
	make_file(&image);
	noise = image;
	memset(noise.bytes + HEADER, 0, SIZE - HEADER);
	write_file(noise.bytes, noise.len);
	assert_int_equal(found_by_next(), 0);
	for (int i = 0; i < 100; i++) {
		noise = image;
		randombytes_buf(noise.bytes + HEADER, SIZE - HEADER);
		write_file(noise.bytes, noise.len);
		assert_int_equal(found_by_next(), 0);
	}
	memset(noise.bytes, 0, SIZE);
	write_file(noise.bytes, noise.len);
	assert_int_equal(found_by_next(), 0);
	memset(noise.bytes, 0xff, SIZE);
	write_file(noise.bytes, noise.len);
	assert_int_equal(found_by_next(), 0);
}

static void
entries_in_each_others_places_are_dropped(void **state)
{
	struct image image;

	(void)state;
	make_file(&image);
	for (size_t a = 0; a < ENTRIES; a++)
		for (size_t b = 0; b < a; b++) {
			struct image swapped = image;
			size_t lost = !is_free(&image, a) + !is_free(&image, b);

			memcpy(swapped.bytes + HEADER + a * ROW,
			    image.bytes + HEADER + b * ROW, ROW);
			memcpy(swapped.bytes + HEADER + b * ROW,
			    image.bytes + HEADER + a * ROW, ROW);
			write_file(swapped.bytes, swapped.len);
			assert_int_equal(found_by_next(), TOKENS - lost);
		}
}

/* Each that differs makes the file a new one, for the old one, too. */
static void
what_belongs_to_something_else_is_made_anew(void **state)
{
	enum { BOOT, NO_BOOT, DEVICE, INODE, PEPPER, ROOM, CASES };
	static struct jp_pepper other = { { 2 } };
	struct image image;

	(void)state;
	for (int i = 0; i < CASES; i++) {
		struct jp_memo_ties with = ties();
		struct jp_memo *memo;
		uint64_t kept;

		make_file(&image);
		with.boot[0] = i == BOOT ? 'f' : i == NO_BOOT ? '\0' : '9';
		with.store_dev += i == DEVICE;
		with.store_ino += i == INODE;
		with.pepper = i == PEPPER ? &other : &pepper;
		memo =
		    start_with(i == ROOM ? 2 * ENTRIES : ENTRIES, &with, &kept);
		assert_int_equal(kept, 0);
		assert_int_equal(found(memo), 0);
		jp_memo_free(memo);
		assert_int_equal(found_by_next(), 0);
	}
}

/* Its seed and MAC are good ones, for what it really belongs to. */
static void
what_claims_to_belong_here_is_made_anew(void **state)
{
	enum { TIES = 80 }; /* bytes in front of the seed */
	struct jp_memo_ties with = ties();
	struct image image, other;
	struct jp_memo *memo;
	uint64_t kept;

	(void)state;
	make_file(&image);
	(void)unlink(path);
	with.boot[0] = 'f';
	memo = start_with(ENTRIES, &with, &kept);
	for (size_t i = 0; i < TOKENS; i++)
		add(memo, i);
	jp_memo_free(memo);
	read_file(&other);
	assert_memory_not_equal(other.bytes, image.bytes, TIES);
	memcpy(other.bytes, image.bytes, TIES);
	write_file(other.bytes, other.len);
	assert_int_equal(found_by_next(), 0);
}

/* Magic, format and row size, whatever their bytes stand for. */
static void
another_format_is_made_anew(void **state)
{
	struct image image;

	(void)state;
	make_file(&image);
	image.bytes[8]++;
	write_file(image.bytes, image.len);
	assert_int_equal(found_by_next(), 0);
}

static void
an_older_copy_holds_nothing_that_was_not_proved(void **state)
{
	struct image old;
	struct jp_memo *memo;

	(void)state;
	make_file(&old);
	memo = start();
	jp_memo_flush(memo);
	add(memo, 0);
	jp_memo_free(memo);
	write_file(old.bytes, old.len);
	now = START + JP_MEMO_LIFETIME - 1;
	assert_int_equal(found_by_next(), TOKENS);
	write_file(old.bytes, old.len);
	now = START + JP_MEMO_LIFETIME;
	assert_int_equal(found_by_next(), 0);
}

/* It was read at the start: neither is anything new believed nor lost. */
static void
a_change_while_it_is_open_changes_nothing(void **state)
{
	struct image image;
	struct jp_memo *memo;

	(void)state;
	make_file(&image);
	(void)unlink(path);
	memo = start();
	write_file(image.bytes, image.len);
	assert_int_equal(found(memo), 0);
	for (size_t i = 0; i < TOKENS; i++)
		add(memo, i);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(found(memo), TOKENS);
	add(memo, 0);
	jp_memo_flush(memo);
	add(memo, 0);
	assert_int_equal(truncate(path, HEADER / 2), 0);
	add(memo, 1);
	assert_int_equal(unlink(path), 0);
	add(memo, 2);
	assert_int_equal(found(memo), 3);
	jp_memo_free(memo);
	assert_int_equal(found_by_next(), 0);
}

static void *
use(void *arg)
{
	enum { ROUNDS = 500 };
	struct jp_memo *memo = arg;

	for (size_t i = 0; i < ROUNDS; i++) {
		add(memo, i % TOKENS);
		(void)finds(memo, i % TOKENS);
		if (i % 100 == 50)
			jp_memo_flush(memo);
	}
	for (size_t i = 0; i < TOKENS; i++)
		add(memo, i);
	return NULL;
}

static void
threads_share_it(void **state)
{
	struct jp_memo *memo;
	pthread_t threads[4];

	(void)state;
	(void)unlink(path);
	now = START;
	memo = start();
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, use, memo), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	jp_memo_free(memo);
	assert_int_equal(found_by_next(), TOKENS);
}

/* ---- whose it is ---- */

static void
two_never_share_one(void **state)
{
	struct jp_memo *first, *second = make(ENTRIES);

	(void)state;
	(void)unlink(path);
	first = start();
	assert_int_equal(keep(second), JP_ERR_LOCKED);
	add(second, 0);
	assert_true(finds(second, 0)); /* in memory */
	add(first, 1);
	jp_memo_free(first);
	assert_int_equal(found_by_next(), 1);
	jp_memo_free(second);
}

static void
one_that_was_just_killed_lets_go_of_it(void **state)
{
	struct image image;

	(void)state;
	make_file(&image);
	lock_fails = 4;
	assert_int_equal(found_by_next(), TOKENS);
	assert_int_equal(lock_fails, 0);
}

/* More than are read or written at once, and no multiple of that. */
static void
a_file_of_any_length_comes_back(void **state)
{
	static const uint32_t lengths[] = { 256, 260, 512, 1024 };
	const struct jp_memo_ties with = ties();
	struct stat st;
	uint64_t kept;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		struct jp_memo *memo = start_with(lengths[i], &with, &kept);
		uint64_t added;

		jp_memo_flush(memo);
		for (size_t n = 0; n < lengths[i] / 4; n++)
			add(memo, n);
		added = taken(memo);
		jp_memo_free(memo);
		memo = start_with(lengths[i], &with, &kept);
		assert_int_equal(kept, added);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal((st.st_size - HEADER) % ROW, 0);
		jp_memo_flush(memo);
		jp_memo_free(memo);
		memo = start_with(lengths[i], &with, &kept);
		assert_int_equal(kept, 0);
		jp_memo_free(memo);
	}
}

static void
make_link(void)
{
	assert_int_equal(symlink("elsewhere", path), 0);
}

static void
make_hard_link(void)
{
	char other[96];

	(void)snprintf(other, sizeof(other), "%s/elsewhere", dir);
	assert_int_equal(link(path, other), 0);
}

static void
make_fifo(void)
{
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void
open_to_others(void)
{
	assert_int_equal(chmod(path, 0640), 0);
}

static void
give_away(void)
{
	if (geteuid() == 0)
		assert_int_equal(chown(path, 1, 1), 0);
	else
		open_to_others();
}

/* It is replaced, and what it points to stays as it is. */
static void
a_file_that_others_may_have_is_replaced(void **state)
{
	static const struct {
		bool in_place; /* the old file is not taken away first */
		void (*act)(void);
	} rows[] = {
		{ false, make_link },
		{ false, make_fifo },
		{ true, make_hard_link },
		{ true, open_to_others },
		{ true, give_away },
	};
	char other[96];
	struct image image;
	struct stat st;

	(void)state;
	(void)snprintf(other, sizeof(other), "%s/elsewhere", dir);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		make_file(&image);
		if (!rows[i].in_place)
			assert_int_equal(rename(path, other), 0);
		rows[i].act();
		assert_int_equal(found_by_next(), 0);
		assert_int_equal(lstat(path, &st), 0);
		assert_true(S_ISREG(st.st_mode));
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(st.st_uid, geteuid());
		assert_int_equal(st.st_nlink, 1);
		if (stat(other, &st) == 0)
			assert_int_equal(st.st_size, SIZE);
		(void)unlink(other);
	}
}

static void
what_is_in_the_way_leaves_it_in_memory(void **state)
{
	struct jp_memo *memo = make(ENTRIES);

	(void)state;
	(void)unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(keep(memo), JP_ERR_OK);
	add(memo, 0);
	assert_true(finds(memo, 0));
	assert_int_equal(rmdir(path), 0);
	jp_memo_free(memo);
}

static void
a_directory_where_others_write_gets_no_file(void **state)
{
	struct jp_memo *memo = make(ENTRIES);

	(void)state;
	(void)unlink(path);
	assert_int_equal(chmod(dir, 0770), 0);
	assert_int_equal(keep(memo), JP_ERR_REFUSED);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	jp_memo_free(memo);
}

static void
a_link_to_a_directory_gets_no_file(void **state)
{
	struct jp_memo *memo = make(ENTRIES);
	const struct jp_memo_ties with = ties();
	struct jp_why why = { .text = "" };
	char name[96];
	uint64_t kept;

	(void)state;
	(void)unlink(path);
	(void)snprintf(name, sizeof(name), "%s/elsewhere", dir);
	assert_int_equal(symlink(dir, name), 0);
	assert_int_not_equal(
	    jp_memo_keep(memo, name, &with, &kept, &why), JP_ERR_OK);
	assert_int_equal(unlink(name), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	jp_memo_free(memo);
}

static void
a_directory_of_somebody_else_gets_no_file(void **state)
{
	struct jp_memo *memo = make(ENTRIES);

	(void)state;
	(void)unlink(path);
	assert_int_equal(chown(dir, 1, (gid_t)-1), 0);
	assert_int_equal(keep(memo), JP_ERR_REFUSED);
	assert_int_equal(chown(dir, geteuid(), (gid_t)-1), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	jp_memo_free(memo);
}

static void
a_directory_that_outlives_the_boot_gets_no_file(void **state)
{
	char here[] = "memo.XXXXXX";
	const struct jp_memo_ties with = ties();
	struct jp_memo *memo = make(ENTRIES);
	struct jp_why why = { .text = "" };
	uint64_t kept = 1;
	enum jp_err err;

	(void)state;
	assert_non_null(mkdtemp(here));
	err = jp_memo_keep(memo, here, &with, &kept, &why);
	jp_memo_file_remove(here);
	assert_int_equal(rmdir(here), 0);
	jp_memo_free(memo);
	assert_int_equal(err, JP_ERR_REFUSED);
	assert_int_equal(kept, 0);
	assert_non_null(strstr(why.text, "not a tmpfs"));
	assert_int_equal(jp_memo_file_place(here, &why), JP_ERR_MISSING);
}

static void
it_can_be_removed(void **state)
{
	struct image image;
	struct jp_why why;

	(void)state;
	make_file(&image);
	assert_int_equal(jp_memo_file_place(dir, &why), JP_ERR_OK);
	jp_memo_file_remove(dir);
	assert_int_not_equal(access(path, F_OK), 0);
	jp_memo_file_remove(dir);
}

/* The way of its own kind: a process knows what it belongs to. */
static void
its_ties_are_those_of_the_store_and_the_boot(void **state)
{
	struct jp_memo_ties first, second;

	(void)state;
	assert_int_equal(jp_memo_ties_make(&first, dir, &pepper), JP_ERR_OK);
	assert_int_equal(jp_memo_ties_make(&second, dir, &pepper), JP_ERR_OK);
	assert_memory_equal(&first, &second, sizeof(first));
	assert_int_equal(jp_memo_ties_make(&second, "/", &pepper), JP_ERR_OK);
	assert_memory_not_equal(&first, &second, sizeof(first));
	assert_string_equal(first.boot, second.boot);
	assert_int_equal(access("/proc/sys/kernel/random/boot_id", R_OK) == 0,
	    strlen(first.boot) > 30);
	assert_int_equal(
	    jp_memo_ties_make(&second, path, &pepper), JP_ERR_MISSING);
}

/* ---- */

static void
find_tmpfs(void)
{
	static const char *const places[] = { "/dev/shm", "/run", "/tmp" };

	for (size_t i = 0; i < COUNT_OF(places) && dir[0] == '\0'; i++) {
		(void)snprintf(
		    dir, sizeof(dir), "%s/jira-pat-memo.XXXXXX", places[i]);
		if (!is_tmpfs(places[i]) || mkdtemp(dir) == NULL)
			dir[0] = '\0';
	}
	(void)snprintf(path, sizeof(path), "%s/" JP_MEMO_FILE_NAME, dir);
}

/* What needs root, or a folder here that is on no tmpfs. */
static void
leave_out_some(void)
{
	const bool user = geteuid() != 0;

	if (user && is_tmpfs("."))
		leave_out("a_directory_*", "not root, and on a tmpfs");
	else if (user)
		leave_out("a_directory_of_somebody_else_*", "not root");
	else if (is_tmpfs("."))
		leave_out("a_directory_that_outlives_*", "on a tmpfs");
}

static void
without_memory_there_is_no_memo_or_no_file(void **state)
{
	const struct jp_clock clock = { test_now, NULL };
	const int left = locked.left;
	struct jp_memo *memo = make(ENTRIES), *none = memo;
	enum jp_err err;

	(void)state;
	locked.left = 0;
	err = jp_memo_make(&none, ENTRIES, &clock);
	assert_int_equal(keep(memo), JP_ERR_NOMEM);
	locked.left = left - 1;
	assert_int_equal(err, JP_ERR_NOMEM);
	assert_null(none);
	add(memo, 0);
	assert_true(finds(memo, 0));
	jp_memo_free(memo);
}

/* How many lines of /proc/self/maps name the file. */
static size_t
mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	size_t count = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		count += strstr(line, path) != NULL;
	(void)fclose(maps);
	return count;
}

/* The lowest number that a new descriptor gets. */
static int
next_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	(void)close(fd);
	return fd;
}

static void
it_is_held_in_memory_and_all_of_it_is_given_back(void **state)
{
	int before = next_descriptor(), held = locked.held;
	struct jp_memo *memo = start();

	(void)state;
	assert_int_equal(mappings(), 0);
	jp_memo_lock_file(memo);
	assert_int_equal(mappings(), 1);
	assert_int_equal(locked.held, held + 2);
	jp_memo_free(memo);
	assert_int_equal(mappings(), 0);
	assert_int_equal(next_descriptor(), before);
	assert_int_equal(locked.held, held);
}

/* As for a user who may lock nothing: it is used, and not held. */
static void
what_cannot_be_held_in_memory_is_given_back_at_once(void **state)
{
	struct jp_memo *memo = start();
	const uid_t uid = geteuid();
	struct rlimit kept, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &kept), 0);
	none = kept;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	assert_int_equal(seteuid(uid != 0 ? uid : 1), 0);
	jp_memo_lock_file(memo);
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &kept), 0);
	if (!UNDER_ASAN) /* which answers mlock(2) itself, and locks nothing */
		assert_int_equal(mappings(), 0);
	jp_memo_free(memo);
}

static void
the_boot_is_named_as_the_kernel_names_it(void **state)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char boot[JP_BOOT_ID_LEN] = "";
	struct jp_memo_ties first;
	int before;

	(void)state;
	if (file != NULL) {
		assert_non_null(fgets(boot, sizeof(boot), file));
		(void)fclose(file);
	}
	before = next_descriptor();
	assert_int_equal(jp_memo_ties_make(&first, dir, &pepper), JP_ERR_OK);
	assert_string_equal(first.boot, boot);
	assert_int_equal(next_descriptor(), before);
}

static int
clean_up(void **state)
{
	char other[96]; /* what a failed test leaves */

	(void)state;
	(void)snprintf(other, sizeof(other), "%s/elsewhere", dir);
	(void)unlink(other);
	(void)unlink(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_one_knows_what_was_proved),
		cmocka_unit_test(
		    a_secret_that_may_be_guessed_is_not_in_the_file),
		cmocka_unit_test(
		    what_replaces_an_entry_replaces_it_in_the_file),
		cmocka_unit_test(a_restart_does_not_lengthen_a_life),
		cmocka_unit_test(
		    a_file_in_which_nothing_is_valid_gets_another_key),
		cmocka_unit_test(what_was_dropped_once_stays_so),
		cmocka_unit_test(what_was_made_in_the_future_is_dropped),
		cmocka_unit_test(a_flush_forgets_in_the_file_too),
		cmocka_unit_test(neither_token_nor_hash_nor_key_is_in_it),
		cmocka_unit_test(a_changed_byte_is_never_believed),
		cmocka_unit_test(a_file_of_another_length_is_made_anew),
		cmocka_unit_test(a_torn_entry_is_dropped_and_no_other),
		cmocka_unit_test(zeroes_and_noise_are_not_believed),
		cmocka_unit_test(entries_in_each_others_places_are_dropped),
		cmocka_unit_test(what_belongs_to_something_else_is_made_anew),
		cmocka_unit_test(what_claims_to_belong_here_is_made_anew),
		cmocka_unit_test(another_format_is_made_anew),
		cmocka_unit_test(
		    an_older_copy_holds_nothing_that_was_not_proved),
		cmocka_unit_test(a_change_while_it_is_open_changes_nothing),
		cmocka_unit_test(threads_share_it),
		cmocka_unit_test(two_never_share_one),
		cmocka_unit_test(one_that_was_just_killed_lets_go_of_it),
		cmocka_unit_test(a_file_of_any_length_comes_back),
		cmocka_unit_test(a_file_that_others_may_have_is_replaced),
		cmocka_unit_test(what_is_in_the_way_leaves_it_in_memory),
		cmocka_unit_test(a_directory_where_others_write_gets_no_file),
		cmocka_unit_test(a_link_to_a_directory_gets_no_file),
		cmocka_unit_test(a_directory_of_somebody_else_gets_no_file),
		cmocka_unit_test(
		    a_directory_that_outlives_the_boot_gets_no_file),
		cmocka_unit_test(without_memory_there_is_no_memo_or_no_file),
		cmocka_unit_test(
		    it_is_held_in_memory_and_all_of_it_is_given_back),
		cmocka_unit_test(
		    what_cannot_be_held_in_memory_is_given_back_at_once),
		cmocka_unit_test(the_boot_is_named_as_the_kernel_names_it),
		cmocka_unit_test(it_can_be_removed),
		cmocka_unit_test(its_ties_are_those_of_the_store_and_the_boot),
	};

	find_tmpfs();
	if (sodium_init() < 0)
		return 1;
	randombytes_buf(&pepper, sizeof(pepper));
	if (dir[0] == '\0') {
		puts("1..0 # SKIP there is no tmpfs");
		return 0;
	}
	leave_out_some();
	return cmocka_run_group_tests(tests, NULL, clean_up);
}
