/*
 * Fills a store with many tokens, through the same code that patd stores them
 * with: for benches and for tests of size. The hash and the tag of most of them
 * fit no text that anybody knows; those of a sample do, and their texts go into
 * a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/decide/open.h"
#include "common/sys/process.h"
#include "common/wire/client.h"
#include "common/decide/core.h"
#include "common/record/token_make.h"
#include "tools/cli/progress.h"

enum {
	BATCH = 2000, /* records in one transaction */
	YEAR = 365 * 24 * 3600,
	EXIT_USAGE = 2,
	EXIT_FAILED = 3,
};

#define TOKENS_MAX UINT64_C(100000000)

/* A prime, and so coprime to every smaller number of tokens. */
#define STEP UINT64_C(2147483647)

struct fill {
	const char *config;
	const char *out; /* file for the texts of the sample; NULL: none */
	uint64_t tokens, users, sample;
	uint32_t cache_mib; /* 0: as configured */
	bool sorted;        /* in the order of ids, so that pages fill up */
	FILE *texts;
	struct jp_core core;
	struct jp_settings settings;
	char phc[JP_PHC_MAX + 1]; /* of all that are not in the sample */
	int64_t now;
};

/* One transaction; the records lie where the changes point. */
struct batch {
	size_t len;
	struct jp_record records[BATCH];
	struct jp_change changes[BATCH];
};

static bool
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "fill: %s: %s\n", what, why);
	return false;
}

/* The ids are spread evenly, and so no two are the same. */
static void
make_id(const struct fill *fill, uint64_t number, char *id)
{
	uint64_t value, all = 1;

	for (int i = 0; i < JP_TOKEN_ID_LEN; i++)
		all *= sizeof(JP_TOKEN_ALPHABET) - 1;
	value = number * (all / fill->tokens) +
	        randombytes_random() % (all / fill->tokens);
	for (size_t i = JP_TOKEN_ID_LEN; i-- > 0; value /= 62)
		id[i] = JP_TOKEN_ALPHABET[value % 62];
	id[JP_TOKEN_ID_LEN] = '\0';
}

/* A token whose text is known: what patd would store of it. */
static bool
make_known(struct fill *fill, struct jp_record *record)
{
	char drawn[JP_TOKEN_ID_LEN + 1];
	struct jp_secret text;
	struct jp_token token;
	enum jp_err err;

	jp_token_make(fill->settings.policy.prefix, &text, drawn);
	err = jp_token_parse(text.text, text.len, &token);
	if (err == JP_ERR_OK) {
		char secret[JP_TOKEN_SECRET_LEN];

		memcpy(secret, token.secret, sizeof(secret));
		jp_pepper_fast_tag(
		    &fill->core.pepper, record->id, secret, record->fast_tag);
		jp_token_format(
		    &text, fill->settings.policy.prefix, record->id, secret);
		err = jp_hash_make(
		    &text, &fill->settings.policy.cost, record->phc);
	}
	if (err != JP_ERR_OK)
		return fail("a token", jp_err_text(err));
	if (fprintf(fill->texts, "%s %.*s\n", record->user, (int)text.len,
	        text.text) < 0)
		return fail(fill->out, strerror(errno));
	jp_secret_clear(&text);
	return true;
}

static bool
make_record(struct fill *fill, uint64_t number, struct jp_record *record)
{
	uint64_t place = fill->sorted ? number : number * STEP % fill->tokens;
	uint32_t dice = randombytes_random();

	memset(record, 0, sizeof(*record));
	make_id(fill, place, record->id);
	memcpy(record->family, record->id, sizeof(record->family));
	(void)snprintf(record->user, sizeof(record->user), "user%07" PRIu64,
	    place % fill->users);
	(void)snprintf(
	    record->name, sizeof(record->name), "job %" PRIu64, number);
	record->created_at = fill->now - dice % YEAR;
	(void)snprintf(record->created_by, sizeof(record->created_by), "fill");
	record->expires_at =
	    dice % 10 == 0 ? JP_NEVER : fill->now + 1 + dice / 10 % YEAR;
	record->has_fast_tag = true;
	if (fill->sample > 0 && number * fill->sample / fill->tokens !=
	                            (number + 1) * fill->sample / fill->tokens)
		return make_known(fill, record);
	memcpy(record->phc, fill->phc, sizeof(record->phc));
	randombytes_buf(record->fast_tag, sizeof(record->fast_tag));
	return true;
}

/* Neighbours in one transaction touch the same pages. */
static int
compare_ids(const void *a, const void *b)
{
	const struct jp_change *left = a, *right = b;

	return strcmp(left->record->id, right->record->id);
}

static bool
store_why(struct fill *fill)
{
	struct jp_why why = { .text = "" };

	jp_store_why(fill->core.store, &why);
	return fail("store", why.text);
}

static bool
store_batch(struct fill *fill, struct batch *batch)
{
	for (size_t i = 0; i < batch->len; i++)
		batch->changes[i] =
		    (struct jp_change){ JP_CHANGE_CREATE, &batch->records[i] };
	qsort(
	    batch->changes, batch->len, sizeof(batch->changes[0]), compare_ids);
	return jp_store_commit(fill->core.store, batch->changes, batch->len) ==
	           JP_ERR_OK ||
	       store_why(fill);
}

static bool
fill_all(struct fill *fill, struct batch *batch)
{
	struct progress progress;
	uint64_t done = 0;

	progress_start(&progress, "fill", "tokens");
	while (done < fill->tokens) {
		for (batch->len = 0;
		     batch->len < BATCH && done + batch->len < fill->tokens;
		     batch->len++)
			if (!make_record(fill, done + batch->len,
			        &batch->records[batch->len]))
				return false;
		if (!store_batch(fill, batch))
			return false;
		done += batch->len;
		progress_show(&progress, done, fill->tokens);
	}
	progress_end(&progress);
	return true;
}

/* Before this process becomes another user. */
static bool
open_texts(struct fill *fill)
{
	int fd;

	if (fill->sample == 0)
		return true;
	fd = open(fill->out,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	fill->texts = fd >= 0 ? fdopen(fd, "w") : NULL;
	return fill->texts != NULL || fail(fill->out, strerror(errno));
}

static bool
close_texts(struct fill *fill)
{
	return fill->texts == NULL || fclose(fill->texts) == 0 ||
	       fail(fill->out, strerror(errno));
}

static bool
open_core(struct fill *fill)
{
	struct jp_why why = { .text = "" };

	if (fill->cache_mib > 0)
		fill->settings.cache_kib = fill->cache_mib * 1024;
	fill->settings.cache_entries = 0;
	if (jp_core_open(&fill->core, &fill->settings, "fill", 0, &why) !=
	    JP_ERR_OK)
		return fail("open", why.text);
	return true;
}

static bool
run(struct fill *fill)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	struct jp_why why = { .text = "" };
	struct jp_secret nobody;
	char id[JP_TOKEN_ID_LEN + 1];
	bool done = false;

	if (batch == NULL)
		return fail("open", "out of memory");
	if (jp_settings_load(fill->config, &fill->settings, &why) != JP_ERR_OK)
		(void)fail("settings", why.text);
	else if (open_texts(fill) && open_core(fill)) {
		fill->now = jp_clock_now(&fill->core.clock);
		jp_token_make(JP_TOKEN_PREFIX, &nobody, id);
		done = jp_hash_make(&nobody, &fill->settings.policy.cost,
		           fill->phc) == JP_ERR_OK &&
		       fill_all(fill, batch);
		jp_core_close(&fill->core);
	}
	free(batch);
	return close_texts(fill) && done;
}

static bool
read_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && text[0] >= '0' && text[0] <= '9';
}

static bool
parse(int argc, char **argv, struct fill *fill)
{
	static const struct option table[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "tokens", required_argument, NULL, 't' },
		{ "users", required_argument, NULL, 'u' },
		{ "sample", required_argument, NULL, 's' },
		{ "out", required_argument, NULL, 'o' },
		{ "cache", required_argument, NULL, 'm' },
		{ "sorted", no_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t number = 0;
	int code;

	while ((code = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (strchr("tusm", code) != NULL &&
		    !read_number(optarg, &number))
			return false;
		switch (code) {
		case 'c':
			fill->config = optarg;
			break;
		case 't':
			fill->tokens = number;
			break;
		case 'u':
			fill->users = number;
			break;
		case 's':
			fill->sample = number;
			break;
		case 'o':
			fill->out = optarg;
			break;
		case 'm':
			fill->cache_mib = (uint32_t)number;
			break;
		case 'i':
			fill->sorted = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc && fill->config != NULL && fill->tokens > 0 &&
	       fill->tokens <= TOKENS_MAX && fill->users > 0 &&
	       fill->sample <= fill->tokens && fill->cache_mib <= 65536 &&
	       (fill->sample == 0) == (fill->out == NULL);
}

int
main(int argc, char **argv)
{
	struct fill *fill = calloc(1, sizeof(*fill));
	int status = EXIT_FAILED;

	jp_harden_process();
	if (fill == NULL) {
		(void)fail("open", "out of memory");
	} else if (!parse(argc, argv, fill)) {
		(void)fputs(
		    "usage: fill --config FILE --tokens N --users N "
		    "[--sample N --out FILE] [--cache MIB] [--sorted]\n",
		    stderr);
		status = EXIT_USAGE;
	} else if (run(fill)) {
		status = EXIT_SUCCESS;
	}
	free(fill);
	return status;
}
