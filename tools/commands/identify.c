/*
 * pat-admin identify: whose are the tokens in this text, and are they live? No
 * secret is shown again. The decision itself is asked, as `test` asks it, so
 * that what is called live is what a front door would take.
 */
#include "common/base/grow.h"
#include "tools/cli/table.h"
#include "tools/commands/commands.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/wire/client.h"
#include "common/base/escape.h"
#include "common/record/token_scan.h"
#include "tools/cli/file_search.h"
#include "tools/cli/lookup.h"
#include "tools/cli/output.h"
#include "tools/cli/progress.h"

enum {
	RESTED_MS = 5000, /* a store that long unused is let go */
};

static struct identify_args {
	char **names;
	size_t len, cap;
	bool live; /* the ids alone of those that live, or may again */
} args;

static enum jp_err
take_name(void *arg, char *value, struct jp_why *why)
{
	struct identify_args *identify = arg;

	if (jp_is_token(value, strlen(value))) {
		sodium_memzero(value, strlen(value));
		return jp_why(why, JP_ERR_INVALID,
		    "a token is not a FILE: give it on standard input, where "
		    "nobody sees it");
	}
	if (JP_GROW(identify->names, identify->len, identify->cap) != JP_ERR_OK)
		return JP_ERR_NOMEM;
	identify->names[identify->len++] = value;
	return JP_ERR_OK;
}

static const struct cmd_option options[] = {
	CMD_FLAG("--live", "print only the ids of live tokens, for revoke",
	    struct identify_args, live),
};

/* ---- One token ---- */

struct search {
	struct context *context;
	char where[JP_ESCAPED_MAX(256)]; /* the file, fit for print, or "" */
	struct lookup lookup;
	bool asked; /* the store may be open for us */
	int64_t asked_ms;
	struct lookup_answer answer; /* the record's user "": no record */
	const char *stranger; /* what it is, if it is none of ours, or NULL */
	bool begun;           /* something was printed */
	bool ours, undecided;
	bool unread; /* a file could not be read: the others are */
	struct table table;
	struct progress progress;
	uint64_t all; /* bytes of all files; 0: not known */
	struct jp_why why;
};

/* What a text is that was found, if not one of our tokens in some state. */
static const char *
stranger_of(enum jp_reason reason)
{
	switch (jp_reason_finding(reason)) {
	case JP_FINDING_DAMAGED:
		return "damaged";
	case JP_FINDING_UNKNOWN:
		return "unknown";
	case JP_FINDING_FORGED:
		return "forged";
	case JP_FINDING_OTHER: /* of a prefix that is taken no more */
	case JP_FINDING_PROVED:
	case JP_FINDING_LACKS_RIGHT:
		return NULL;
	case JP_FINDING_NOTHING:
		break;
	}
	return "undecided";
}

/* The decision takes it nowhere: it does not merely lack a right. */
static bool
is_denied(enum jp_reason reason)
{
	return jp_reason_verdict(reason) != JP_ACCEPT &&
	       !jp_reason_rights(reason);
}

/*
 * The decision knows the text's prefix, the record perhaps not. What it denies
 * for another reason than the record's state is not called live.
 */
static void
judge(struct search *search)
{
	enum jp_reason reason = search->answer.reason;
	const char *stranger = stranger_of(reason);

	if (jp_reason_verdict(reason) == JP_UNAVAILABLE)
		stranger = "undecided";
	if (reason == JP_REASON_SHAPE &&
	    jp_state_status(search->answer.state) != JP_STATUS_DEAD)
		search->answer.state = JP_STATE_PREFIX;
	if (stranger == NULL && is_denied(reason) &&
	    jp_state_status(search->answer.state) == JP_STATUS_LIVE)
		stranger = "undecided";
	search->stranger = stranger;
	search->ours |= stranger == NULL;
	search->undecided |=
	    stranger != NULL && strcmp(stranger, "undecided") == 0;
}

/* One word, which REASON explains; but a replaced one lives until a time. */
static void
format_state(const struct search *search, char text[JP_STATE_TEXT_MAX])
{
	if (search->stranger == NULL &&
	    search->answer.state == JP_STATE_REPLACED)
		jp_state_format(
		    search->answer.state, &search->answer.record, text);
	else
		(void)snprintf(text, JP_STATE_TEXT_MAX, "%s",
		    search->stranger != NULL ? search->stranger
		                             : jp_status_name(jp_state_status(
		                                   search->answer.state)));
}

static enum jp_err
ask(struct search *search, const struct jp_found *found)
{
	enum jp_err err = lookup_ask(&search->lookup, found, &search->answer);

	search->asked = true;
	search->asked_ms = jp_now_ms();
	if (err != JP_ERR_OK)
		search->why = search->answer.why;
	return err;
}

static enum jp_err
print_json(struct search *search, const struct jp_found *found)
{
	char text[JP_STATE_TEXT_MAX];
	const char *state = search->stranger;

	format_state(search, text);
	if (state == NULL && search->answer.state == JP_STATE_REPLACED)
		state = jp_state_name(search->answer.state);
	(void)fputs(search->begun ? "," : "[", stdout);
	search->begun = true;
	return output_json(json_pack(
	    "{s:s,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "file", search->where,
	    "line", (json_int_t)found->line, "id", search->answer.record.id,
	    "user", search->answer.record.user, "name",
	    search->answer.record.name, "state", state != NULL ? state : text,
	    "state_text", text, "reason", jp_reason_name(search->answer.reason),
	    "text", jp_reason_text(search->answer.reason), "base64",
	    (int)found->base64));
}

static enum jp_err
print_found(struct search *search, const struct jp_found *found)
{
	static const char *const heads[] = { "WHERE", "ID", "USER", "NAME",
		"STATE", "REASON" };
	const struct jp_record *record = &search->answer.record;
	char where[JP_ESCAPED_MAX(256) + 24], state[JP_STATE_TEXT_MAX];
	const char *cells[] = { where, record->id,
		record->user[0] != '\0' ? record->user : "-",
		record->name[0] != '\0' ? record->name : "-", state,
		jp_reason_name(search->answer.reason) };

	format_state(search, state);
	progress_end(&search->progress);
	if (search->context->json)
		return print_json(search, found);
	if (!search->begun)
		table_start(
		    &search->table, heads, sizeof(heads) / sizeof(heads[0]));
	search->begun = true;
	(void)snprintf(
	    where, sizeof(where), "%s:%" PRIu64, search->where, found->line);
	return table_row(&search->table, cells);
}

static enum jp_err
take_found(void *arg, const struct jp_found *found)
{
	struct search *search = arg;
	struct jp_record *record = &search->answer.record;
	enum jp_err err = JP_ERR_OK;

	memset(record, 0, sizeof(*record));
	search->answer.reason = JP_REASON_CRC;
	if (found->checked)
		err = ask(search, found);
	if (err != JP_ERR_OK)
		return err;
	memcpy(record->id, found->token.id, JP_TOKEN_ID_LEN);
	judge(search);
	if (!args.live)
		return print_found(search, found);
	progress_end(&search->progress);
	if (search->stranger == NULL &&
	    jp_state_status(search->answer.state) != JP_STATUS_DEAD)
		(void)printf("%s\n", record->id);
	return ferror(stdout) ? JP_ERR_IO : JP_ERR_OK;
}

/* ---- Files ---- */

static enum jp_err
note_token(void *arg, const struct jp_found *found)
{
	(void)found;
	*(bool *)arg = true;
	return JP_ERR_OK;
}

/* A name for print: control characters escaped, and no token in it. */
static void
name_file(struct search *search, const struct walked_file *file)
{
	const char *prefix = search->context->settings.policy.prefix;
	const char *name = file->path != NULL ? file->path : "-";
	struct jp_token_scan scan;
	bool secret = false;

	jp_token_scan_start(&scan, prefix, note_token, &secret);
	(void)jp_token_scan_feed(&scan, name, strlen(name));
	(void)jp_token_scan_end(&scan);
	(void)jp_escape(search->where, sizeof(search->where),
	    secret ? "(a file with a token in its name)" : name);
}

static enum jp_err
found_in_file(
    void *arg, const struct walked_file *file, const struct jp_found *found)
{
	struct search *search = arg;

	if (search->where[0] == '\0')
		name_file(search, file);
	return take_found(search, found);
}

static void
end_file(void *arg, const struct walked_file *file)
{
	struct search *search = arg;

	if (file->error != 0 || file->special) {
		name_file(search, file);
		progress_end(&search->progress);
		(void)fprintf(stderr, "pat-admin: identify: %s: %s\n",
		    search->where,
		    file->special ? "not a regular file: skipped"
		                  : strerror(file->error));
	}
	search->unread |= file->error != 0;
	search->where[0] = '\0';
}

/* While it may wait for more, the store is let go. */
static bool
wait_for_more(void *arg, bool stream, uint64_t done)
{
	struct search *search = arg;

	progress_show(&search->progress, done, search->all);
	if (search->asked &&
	    (stream || jp_now_ms() - search->asked_ms > RESTED_MS)) {
		lookup_rest(&search->lookup);
		search->asked = false;
	}
	return search->asked || !search->progress.silent;
}

/* How many bytes there are; 0 if that is not known. */
static uint64_t
all_bytes(void)
{
	uint64_t all = 0;
	struct stat st;

	for (size_t i = 0; i < args.len; i++) {
		if (stat(args.names[i], &st) != 0 || !S_ISREG(st.st_mode))
			return 0;
		all += (uint64_t)st.st_size;
	}
	return all;
}

static enum jp_err
search_files(struct search *search)
{
	const struct file_searcher searcher = {
		.prefix = search->context->settings.policy.prefix,
		.arg = search,
		.found = found_in_file,
		.ended = end_file,
		.waits = wait_for_more,
	};
	struct file_walk walk;
	enum jp_err err;

	search->all = all_bytes();
	progress_start(&search->progress, "identify", "bytes");
	file_walk_start(&walk, args.names, args.len);
	err = file_search(&searcher, &walk, &search->why);
	file_walk_end(&walk);
	progress_end(&search->progress);
	return err;
}

static enum jp_err
search_all(struct search *search)
{
	enum jp_err err = context_load(search->context, &search->why);

	search->lookup.fd = -1;
	if (err == JP_ERR_OK)
		err = lookup_start(
		    &search->lookup, search->context, &search->why);
	if (err == JP_ERR_OK)
		err = search_files(search);
	lookup_end(&search->lookup);
	return err;
}

static void
end_json(const struct search *search)
{
	if (search->begun)
		(void)puts("]");
	else
		output_json_empty();
}

/* As grep(1) does: 0 something of ours was found, 1 nothing. */
static enum status
run(struct context *context)
{
	static struct search search;
	enum jp_err err;

	if (args.live && context->json) {
		(void)jp_why(&search.why, JP_ERR_INVALID,
		    "--live prints ids alone: leave --json out");
		return context_fail(context, JP_ERR_INVALID, &search.why);
	}
	search.context = context;
	err = search_all(&search);
	free(args.names);
	if (context->json && err == JP_ERR_OK)
		end_json(&search);
	else if (!context->json)
		table_end(&search.table);
	if (err != JP_ERR_OK)
		return context_fail(context, err, &search.why);
	if (search.undecided || search.unread)
		return STATUS_UNAVAILABLE;
	return search.ours ? STATUS_DONE : STATUS_NO;
}

const struct command cmd_identify = {
	.name = "identify",
	.synopsis = "[FILE]... [OPTION]...",
	.help = "identify token owners in FILEs, directories or standard input",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_max = SIZE_MAX,
	.word = CMD_CALL("FILE", NULL, NULL, take_name),
	.args = &args,
	.prints = true,
	.only_reads = true,
	.run = run,
};
