/*
 * The owner of a store is killed again and again while its threads commit.
 * Before each commit a thread tells the parent through a pipe what it intends,
 * after it that it was acknowledged. What was acknowledged must be there when
 * the store is opened again; what was only intended may be.
 *
 *     store_kill [ROUNDS [SEED]]
 *
 * Without ROUNDS it ends after some seconds, however few they were.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/faults/store_tap.h"

#define WRITERS 3
#define SLOTS 12
#define ROUNDS 60
#define MAKINGS 20
#define SECONDS_MAX 20
#define ACKS_MAX 60 /* of one child, before it is killed */
#define DELAY_MAX_US 20000

static const char *const users[] = { "al", "alice", "bob", "carol" };
#define USERS (sizeof(users) / sizeof(users[0]))

/* The version of each record; 0: there is none. */
struct model {
	uint32_t acked[WRITERS][SLOTS];
	uint32_t meant[WRITERS][SLOTS]; /* what the last intention makes it */
	uint32_t next_version;
	uint64_t acks;
};

struct note {
	uint32_t writer, slot, version;
	bool acked;
};

struct writer {
	struct jp_store *store;
	const struct model *model;
	uint32_t number;
	unsigned int seed;
	int pipe;
};

static void
make_version(
    struct jp_record *record, uint32_t writer, uint32_t slot, uint32_t version)
{
	char id[32];

	(void)snprintf(id, sizeof(id), "%04u%04u", writer, slot);
	record_make(record, id, users[slot % USERS], 1000 + version % 50);
	(void)strcpy(record->owner_group, owners[version % 3]);
	record->use_count = version;
}

static void
tell(const struct writer *writer, uint32_t slot, uint32_t version, bool acked)
{
	struct note note;

	memset(&note, 0, sizeof(note));
	note.writer = writer->number;
	note.slot = slot;
	note.version = version;
	note.acked = acked;
	if (write(writer->pipe, &note, sizeof(note)) != (ssize_t)sizeof(note))
		_exit(3);
}

static void *
write_forever(void *arg)
{
	struct writer *writer = arg;
	uint32_t now[SLOTS];
	uint32_t version = writer->model->next_version;

	memcpy(now, writer->model->acked[writer->number], sizeof(now));
	for (;;) {
		uint32_t slot = (uint32_t)rand_r(&writer->seed) % SLOTS;
		bool end = now[slot] != 0 && rand_r(&writer->seed) % 3 == 0;
		enum jp_change_kind kind = now[slot] == 0 ? JP_CHANGE_CREATE
		                           : end          ? JP_CHANGE_DELETE
		                                          : JP_CHANGE_REPLACE;
		struct jp_record record;

		make_version(&record, writer->number, slot, ++version);
		tell(writer, slot, end ? 0 : version, false);
		if (commit_one(writer->store, kind, &record) != JP_ERR_OK)
			_exit(4);
		now[slot] = end ? 0 : version;
		tell(writer, slot, now[slot], true);
	}
	return NULL;
}

/* The child: owns the store until it is killed. */
static void
own(const struct jp_store_options *options, const struct model *model,
    unsigned int seed, int pipe_fd)
{
	struct writer writers[WRITERS];
	struct jp_store *store;
	struct jp_why why;
	pthread_t thread;

	if (jp_store_bdb_open(options, &store, &why) != JP_ERR_OK) {
		(void)printf("# child: %s\n", why.text);
		(void)fflush(stdout);
		_exit(2);
	}
	for (uint32_t i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .store = store,
			.model = model,
			.number = i,
			.seed = seed + i,
			.pipe = pipe_fd };
		if (pthread_create(&thread, NULL, write_forever, &writers[i]) !=
		    0)
			_exit(5);
	}
	while (jp_store_checkpoint(store) == JP_ERR_OK)
		(void)usleep(2000);
	_exit(6);
}

/*
 * Takes in what the child told, until it has acknowledged `acks` commits or has
 * ended.
 */
static void
hear(struct model *model, int fd, uint64_t acks)
{
	uint64_t enough = model->acks + acks;
	struct note note;

	while (model->acks < enough &&
	       read(fd, &note, sizeof(note)) == (ssize_t)sizeof(note)) {
		model->meant[note.writer][note.slot] = note.version;
		if (note.version > model->next_version)
			model->next_version = note.version;
		if (!note.acked)
			continue;
		model->acked[note.writer][note.slot] = note.version;
		model->acks++;
	}
}

/*
 * Kills in the midst of work, however slow the machine is: after some commits,
 * and every fourth time after a moment, which may be before the first one.
 */
static void
kill_at_work(pid_t child, struct model *model, int fd, unsigned int *seed)
{
	unsigned int acks = (unsigned int)rand_r(seed) % ACKS_MAX + 1;

	if (rand_r(seed) % 4 == 0 && model->acks > 0)
		(void)usleep((useconds_t)rand_r(seed) % DELAY_MAX_US);
	else
		hear(model, fd, acks);
	(void)kill(child, SIGKILL);
	hear(model, fd, UINT64_MAX - model->acks);
	model->next_version += 1000;
}

/* Runs a child that is killed; false if it ended by itself. */
static bool
run_and_kill(const struct jp_store_options *options, struct model *model,
    unsigned int *seed)
{
	int ends[2], status;
	pid_t child;

	if (pipe(ends) != 0)
		return false;
	child = fork();
	if (child == 0) {
		(void)close(ends[0]);
		own(options, model, *seed, ends[1]);
	}
	(void)close(ends[1]);
	if (child < 0) {
		(void)close(ends[0]);
		return false; /* -1 would be everybody */
	}
	/* A full pipe only makes the child wait, and be killed waiting. */
	kill_at_work(child, model, ends[0], seed);
	(void)close(ends[0]);
	if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
		return true;
	(void)printf("# the child ended with status %#x\n", (unsigned)status);
	return false;
}

static bool
check_slot(
    struct jp_store *store, struct model *model, uint32_t w, uint32_t slot)
{
	struct jp_record record, expected;
	uint32_t found = 0;
	enum jp_err err;

	make_version(&expected, w, slot, 0);
	err = jp_store_get(store, expected.id, &record);
	if (err == JP_ERR_OK)
		found = record.use_count;
	else if (err != JP_ERR_NOT_FOUND)
		return tap_why(store, "get");
	if (found != model->acked[w][slot] && found != model->meant[w][slot]) {
		(void)printf("# %s: version %u, acknowledged %u, meant %u\n",
		    expected.id, found, model->acked[w][slot],
		    model->meant[w][slot]);
		return false;
	}
	model->acked[w][slot] = model->meant[w][slot] = found;
	make_version(&expected, w, slot, found);
	return found == 0 || memcmp(&record, &expected, sizeof(record)) == 0;
}

struct outcome {
	bool opens, keeps, agrees;
};

static void
check_store(const struct jp_store_options *options, struct model *model,
    struct outcome *outcome)
{
	struct jp_store *store;
	struct jp_why why;

	if (jp_store_bdb_open(options, &store, &why) != JP_ERR_OK) {
		(void)printf("# open: %s\n", why.text);
		outcome->opens = false;
		return;
	}
	for (uint32_t w = 0; w < WRITERS; w++)
		for (uint32_t slot = 0; slot < SLOTS; slot++)
			if (!check_slot(store, model, w, slot))
				outcome->keeps = false;
	if (!indexes_agree(store, users, USERS))
		outcome->agrees = false;
	jp_store_close(store);
}

static void
kill_owners(struct tap *tap, const struct jp_store_options *options,
    long rounds, time_t end, unsigned int seed)
{
	struct outcome outcome = { true, true, true };
	struct model model = { .next_version = 0 };
	struct jp_why why;
	long round = 0;

	if (jp_store_bdb_create(options, &why) != JP_ERR_OK)
		outcome.opens = false;
	while (
	    round < rounds && outcome.opens && (end == 0 || time(NULL) < end)) {
		if (!run_and_kill(options, &model, &seed))
			outcome.opens = false;
		check_store(options, &model, &outcome);
		round++;
	}
	(void)printf("# %ld kills, %llu commits acknowledged\n", round,
	    (unsigned long long)model.acks);
	tap_ok(tap, outcome.opens && round > 0,
	    "a store opens however its owner was killed");
	tap_ok(tap, outcome.keeps && model.acks > 0,
	    "nothing that was acknowledged is lost or comes back");
	tap_ok(tap, outcome.agrees, "the indexes agree with the records");
	if (jp_store_bdb_verify(options, &why) != JP_ERR_OK)
		(void)printf("# verify: %s\n", why.text);
	tap_ok(tap, jp_store_bdb_verify(options, &why) == JP_ERR_OK,
	    "every page verifies in the end");
}

/* Whether a store can be had after a making of it was killed. */
static bool
kill_making(const struct jp_store_options *options, unsigned int *seed)
{
	struct jp_store *store = NULL;
	struct jp_why why;
	enum jp_err err;
	pid_t child = fork();

	if (child == 0)
		_exit((int)jp_store_bdb_create(options, &why));
	if (child < 0)
		return false;
	(void)usleep((useconds_t)rand_r(seed) % 20000);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	err = jp_store_bdb_open(options, &store, &why);
	if (err == JP_ERR_MISSING && !jp_store_bdb_exists(options->dir)) {
		err = jp_store_bdb_create(options, &why);
		if (err == JP_ERR_OK)
			err = jp_store_bdb_open(options, &store, &why);
	}
	if (err == JP_ERR_OK)
		err = add(store, "aaaaaaaa", "al", 1);
	jp_store_close(store);
	if (err != JP_ERR_OK)
		(void)printf("# making: %s\n", why.text);
	return err == JP_ERR_OK;
}

static void
kill_makings(struct tap *tap, unsigned int seed)
{
	bool all = true;
	char dir[PATH_MAX];

	for (int i = 0; i < MAKINGS && all; i++) {
		struct jp_store_options options;

		scratch_make(dir);
		options = options_for(dir);
		all = kill_making(&options, &seed);
		scratch_remove(dir);
	}
	tap_ok(
	    tap, all, "a making that was killed is none and can be repeated");
}

int
main(int argc, char **argv)
{
	struct tap tap = { .count = 0 };
	char dir[PATH_MAX];
	struct jp_store_options options;
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS;
	unsigned int seed = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10)
	                             : (unsigned int)(time(NULL) ^ getpid());

	(void)printf("# seed %u\n", seed);
	(void)fflush(stdout);
	scratch_make(dir);
	options = options_for(dir);
	kill_owners(&tap, &options, rounds,
	    argc > 1 ? 0 : time(NULL) + SECONDS_MAX, seed);
	scratch_remove(dir);
	kill_makings(&tap, seed);
	return tap_end(&tap);
}
