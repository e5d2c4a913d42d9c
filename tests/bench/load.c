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

#include "common/client.h"
#include "common/core.h"
#include "common/token_make.h"
#include "tools/progress.h"

enum {
	BATCH = 2000, /* records in one transaction */
	YEAR = 365 * 24 * 3600,
	EXIT_USAGE = 2,
	EXIT_FAILED = 3,
};

#define TOKENS_MAX UINT64_C(100000000)

/* A prime, and so coprime to every smaller number of tokens. */
#define STEP UINT64_C(2147483647)

struct load {
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
	(void)fprintf(stderr, "load: %s: %s\n", what, why);
	return false;
}

/* The ids are spread evenly, and so no two are the same. */
static void
make_id(const struct load *load, uint64_t number, char *id)
{
	uint64_t value, all = 1;

	for (int i = 0; i < JP_TOKEN_ID_LEN; i++)
		all *= sizeof(JP_TOKEN_ALPHABET) - 1;
	value = number * (all / load->tokens) +
	        randombytes_random() % (all / load->tokens);
	for (size_t i = JP_TOKEN_ID_LEN; i-- > 0; value /= 62)
		id[i] = JP_TOKEN_ALPHABET[value % 62];
	id[JP_TOKEN_ID_LEN] = '\0';
}

/* A token whose text is known: what patd would store of it. */
static bool
make_known(struct load *load, struct jp_record *record)
{
	char drawn[JP_TOKEN_ID_LEN + 1];
	struct jp_secret text;
	struct jp_token token;
	enum jp_err err;

	jp_token_make(load->settings.policy.prefix, &text, drawn);
	err = jp_token_parse(text.text, text.len, &token);
	if (err == JP_ERR_OK) {
		char secret[JP_TOKEN_SECRET_LEN];

		memcpy(secret, token.secret, sizeof(secret));
		jp_pepper_fast_tag(
		    &load->core.pepper, record->id, secret, record->fast_tag);
		jp_token_format(
		    &text, load->settings.policy.prefix, record->id, secret);
		err = jp_hash_make(
		    &text, &load->settings.policy.cost, record->phc);
	}
	if (err != JP_ERR_OK)
		return fail("a token", jp_err_text(err));
	if (fprintf(load->texts, "%s %.*s\n", record->user, (int)text.len,
	        text.text) < 0)
		return fail(load->out, strerror(errno));
	jp_secret_clear(&text);
	return true;
}

static bool
make_record(struct load *load, uint64_t number, struct jp_record *record)
{
	uint64_t place = load->sorted ? number : number * STEP % load->tokens;
	uint32_t dice = randombytes_random();

	memset(record, 0, sizeof(*record));
	make_id(load, place, record->id);
	memcpy(record->family, record->id, sizeof(record->family));
	(void)snprintf(record->user, sizeof(record->user), "user%07" PRIu64,
	    place % load->users);
	(void)snprintf(
	    record->name, sizeof(record->name), "job %" PRIu64, number);
	record->created_at = load->now - dice % YEAR;
	(void)snprintf(record->created_by, sizeof(record->created_by), "load");
	record->expires_at =
	    dice % 10 == 0 ? JP_NEVER : load->now + 1 + dice / 10 % YEAR;
	record->has_fast_tag = true;
	if (load->sample > 0 && number * load->sample / load->tokens !=
	                            (number + 1) * load->sample / load->tokens)
		return make_known(load, record);
	memcpy(record->phc, load->phc, sizeof(record->phc));
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
store_why(struct load *load)
{
	struct jp_why why = { .text = "" };

	jp_store_why(load->core.store, &why);
	return fail("store", why.text);
}

static bool
store_batch(struct load *load, struct batch *batch)
{
	for (size_t i = 0; i < batch->len; i++)
		batch->changes[i] =
		    (struct jp_change){ JP_CHANGE_CREATE, &batch->records[i] };
	qsort(
	    batch->changes, batch->len, sizeof(batch->changes[0]), compare_ids);
	return jp_store_commit(load->core.store, batch->changes, batch->len) ==
	           JP_ERR_OK ||
	       store_why(load);
}

static bool
load_all(struct load *load, struct batch *batch)
{
	struct progress progress;
	uint64_t done = 0;

	progress_start(&progress, "load", "tokens");
	while (done < load->tokens) {
		for (batch->len = 0;
		     batch->len < BATCH && done + batch->len < load->tokens;
		     batch->len++)
			if (!make_record(load, done + batch->len,
			        &batch->records[batch->len]))
				return false;
		if (!store_batch(load, batch))
			return false;
		done += batch->len;
		progress_show(&progress, done, load->tokens);
	}
	progress_end(&progress);
	return true;
}

/* Before this process becomes another user. */
static bool
open_texts(struct load *load)
{
	int fd;

	if (load->sample == 0)
		return true;
	fd = open(load->out,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	load->texts = fd >= 0 ? fdopen(fd, "w") : NULL;
	return load->texts != NULL || fail(load->out, strerror(errno));
}

static bool
close_texts(struct load *load)
{
	return load->texts == NULL || fclose(load->texts) == 0 ||
	       fail(load->out, strerror(errno));
}

static bool
open_core(struct load *load)
{
	struct jp_why why = { .text = "" };

	if (load->cache_mib > 0)
		load->settings.cache_kib = load->cache_mib * 1024;
	load->settings.cache_entries = 0;
	if (jp_core_open(&load->core, &load->settings, "load", 0, &why) !=
	    JP_ERR_OK)
		return fail("open", why.text);
	return true;
}

static bool
run(struct load *load)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	struct jp_why why = { .text = "" };
	struct jp_secret nobody;
	char id[JP_TOKEN_ID_LEN + 1];
	bool done = false;

	if (batch == NULL)
		return fail("open", "out of memory");
	if (jp_settings_load(load->config, &load->settings, &why) != JP_ERR_OK)
		(void)fail("settings", why.text);
	else if (open_texts(load) && open_core(load)) {
		load->now = jp_clock_now(&load->core.clock);
		jp_token_make(JP_TOKEN_PREFIX, &nobody, id);
		done = jp_hash_make(&nobody, &load->settings.policy.cost,
		           load->phc) == JP_ERR_OK &&
		       load_all(load, batch);
		jp_core_close(&load->core);
	}
	free(batch);
	return close_texts(load) && done;
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
parse(int argc, char **argv, struct load *load)
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
			load->config = optarg;
			break;
		case 't':
			load->tokens = number;
			break;
		case 'u':
			load->users = number;
			break;
		case 's':
			load->sample = number;
			break;
		case 'o':
			load->out = optarg;
			break;
		case 'm':
			load->cache_mib = (uint32_t)number;
			break;
		case 'i':
			load->sorted = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc && load->config != NULL && load->tokens > 0 &&
	       load->tokens <= TOKENS_MAX && load->users > 0 &&
	       load->sample <= load->tokens && load->cache_mib <= 65536 &&
	       (load->sample == 0) == (load->out == NULL);
}

int
main(int argc, char **argv)
{
	struct load *load = calloc(1, sizeof(*load));
	int status = EXIT_FAILED;

	jp_harden_process();
	if (load == NULL) {
		(void)fail("open", "out of memory");
	} else if (!parse(argc, argv, load)) {
		(void)fputs(
		    "usage: load --config FILE --tokens N --users N "
		    "[--sample N --out FILE] [--cache MIB] [--sorted]\n",
		    stderr);
		status = EXIT_USAGE;
	} else if (run(load)) {
		status = EXIT_SUCCESS;
	}
	free(load);
	return status;
}
