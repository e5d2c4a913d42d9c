/*
 * pat-admin list and pat-admin show: records, without what proves a secret.
 */
#include "common/base/grow.h"
#include "tools/cli/arguments.h"
#include "tools/cli/table.h"
#include "tools/commands/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/record/token_number.h"
#include "common/sys/json_text.h"
#include "common/sys/time_text.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"
#include "tools/formats/json_values.h"

static struct list_args {
	struct jp_admin_request request;
	bool utc;
	/* Only those that hang on these; "": any. */
	char owner[JP_GROUP_MAX + 1];
	char parent[JP_TOKEN_ID_LEN + 1];
} args;

/* ---- list ---- */

enum {
	SORT_MAX = 100000, /* rows that are kept for sorting */
	CELLS = 8,
	RIGHTS_MAX = 4096,
};

/*
 * The rows of a list, until all are there and can be sorted. Each is one block:
 * user, name and id, closed by NUL each, and what is printed behind them.
 */
struct list {
	struct listing listing;
	bool terminal, in_order; /* in_order: printed as they come */
	int64_t now;
	size_t len, cap, all, worths[JP_STATUS_COUNT];
	char **rows;
};

static int
by_user_and_name(const void *a, const void *b)
{
	const char *left = *(char *const *)a, *right = *(char *const *)b;
	int order = 0;

	for (int part = 0; part < 3 && order == 0; part++) {
		order = strcmp(left, right);
		left += strlen(left) + 1;
		right += strlen(right) + 1;
	}
	return order;
}

static enum jp_err
print_row(struct list *list, char *row)
{
	const char *cells[CELLS], *at = row;

	for (size_t i = 0; i < (list->listing.json ? 4 : CELLS); i++) {
		cells[i] = at;
		at += strlen(at) + 1;
	}
	if (list->listing.json)
		return listing_text(&list->listing, cells[3]);
	at = cells[0];
	cells[0] = cells[2];
	cells[2] = cells[1];
	cells[1] = at;
	if (cells[2][0] == '\0')
		cells[2] = "-"; /* a word for each column, for awk */
	return listing_row(&list->listing, cells);
}

/* Prints what was kept, in order, and frees it. */
static enum jp_err
print_rows(struct list *list)
{
	enum jp_err err = JP_ERR_OK;

	if (list->len > 0)
		qsort(list->rows, list->len, sizeof(char *), by_user_and_name);
	for (size_t i = 0; i < list->len; i++) {
		if (err == JP_ERR_OK)
			err = print_row(list, list->rows[i]);
		free(list->rows[i]);
	}
	list->len = 0;
	return err;
}

static enum jp_err
keep_row(struct list *list, char *row)
{
	enum jp_err err;

	if (JP_GROW(list->rows, list->len, list->cap) != JP_ERR_OK) {
		free(row);
		return JP_ERR_NOMEM;
	}
	list->rows[list->len++] = row;
	if (!list->in_order && list->len < SORT_MAX)
		return JP_ERR_OK;
	err = print_rows(list); /* the rest comes as the store has it */
	list->in_order = true;
	return err;
}

/* One block of all parts. */
static enum jp_err
add_row(struct list *list, const char *const *parts, size_t count)
{
	size_t len = 0;
	char *row, *at;

	for (size_t i = 0; i < count; i++)
		len += strlen(parts[i]) + 1;
	row = at = malloc(len);
	if (row == NULL)
		return JP_ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, parts[i]) + 1;
	return keep_row(list, row);
}

static void
add_right(char text[RIGHTS_MAX], const char *what, const char *value)
{
	size_t used = strlen(text);

	(void)snprintf(text + used, RIGHTS_MAX - used, "%s%s=%s",
	    used > 0 ? "," : "", what, value);
}

static void
format_rights(const struct jp_record *record, char text[RIGHTS_MAX])
{
	char net[JP_NET_TEXT_MAX], uses[sizeof("4294967295/4294967295")];

	text[0] = '\0';
	for (size_t i = 0; i < record->scope_len; i++)
		add_right(text, "scope", record->scopes[i]);
	for (size_t i = 0; i < record->service_len; i++)
		add_right(text, "service", record->services[i]);
	for (size_t i = 0; i < record->net_len; i++) {
		jp_net_format(&record->nets[i], net);
		add_right(text, "from", net);
	}
	if (record->uses_max != 0) {
		(void)snprintf(uses, sizeof(uses), "%" PRIu32 "/%" PRIu32,
		    record->uses_left, record->uses_max);
		add_right(text, "uses", uses);
	}
	if (record->parent[0] != '\0')
		add_right(text, "parent", record->parent);
	if (text[0] == '\0')
		(void)snprintf(text, RIGHTS_MAX, "any");
}

/* For people "in 3d" or "5m ago", where it is shown on a terminal. */
static void
format_time(const struct list *list, int64_t when, char text[JP_WHEN_TEXT_MAX])
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	int64_t away = when - list->now, far = away < 0 ? -away : away;
	size_t i = 0;

	if (!list->terminal || args.utc || when == JP_NEVER) {
		jp_when_format(when, text);
		return;
	}
	while (units[i].seconds > 1 && far < units[i].seconds)
		i++;
	(void)snprintf(text, JP_WHEN_TEXT_MAX, "%s%" PRId64 "%c%s",
	    away > 0 ? "in " : "", far / units[i].seconds, units[i].unit,
	    away > 0 ? "" : " ago");
}

static enum jp_err
add_json(struct list *list, const struct jp_admin_item *item)
{
	const struct jp_record *record = &item->record;
	json_t *json = json_record(record, item->state);
	char *text = jp_json_text(json);
	const char *const parts[] = { record->user, record->name, record->id,
		text };
	enum jp_err err = JP_ERR_NOMEM;

	if (text != NULL)
		err = add_row(list, parts, 4);
	json_decref(json);
	jp_json_free(text);
	return err;
}

/* patd is asked for less where it knows how: these two it does not. */
static bool
is_asked_for(const struct jp_record *record)
{
	return (args.owner[0] == '\0' ||
	           strcmp(args.owner, record->owner_group) == 0) &&
	       (args.parent[0] == '\0' ||
	           strcmp(args.parent, record->parent) == 0);
}

static enum jp_err
list_item(void *arg, const struct jp_admin_item *item)
{
	struct list *list = arg;
	const struct jp_record *record = &item->record;
	char created[JP_WHEN_TEXT_MAX], expires[JP_WHEN_TEXT_MAX];
	char used[JP_WHEN_TEXT_MAX], state[JP_STATE_TEXT_MAX];
	char rights[RIGHTS_MAX];
	const char *const parts[CELLS] = { record->user, record->name,
		record->id, state, created, expires, used, rights };

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	if (!is_asked_for(record))
		return JP_ERR_OK;
	list->all++;
	list->worths[jp_state_status(item->state)]++;
	if (list->listing.json)
		return add_json(list, item);
	jp_state_format(item->state, record, state);
	format_time(list, record->created_at, created);
	format_time(list, record->expires_at, expires);
	format_time(list, record->last_used_at, used);
	format_rights(record, rights);
	return add_row(list, parts, CELLS);
}

/* For people alone: a script reads rows. */
static void
print_counts(const struct list *list)
{
	(void)fflush(stdout);
	(void)fprintf(
	    stderr, "%zu token%s", list->all, list->all == 1 ? "" : "s");
	for (int i = 0; i < JP_STATUS_COUNT; i++)
		if (list->worths[i] > 0)
			(void)fprintf(stderr, ", %zu %s", list->worths[i],
			    jp_status_name((enum jp_status)i));
	(void)fprintf(stderr, ".\n");
}

static enum status
list_run(struct context *context)
{
	static const char *const heads[] = { "ID", "USER", "NAME", "STATE",
		"CREATED", "EXPIRES", "LAST-USED", "RIGHTS" };
	static struct list list = { .listing = {
		                        .heads = heads, .columns = CELLS } };
	struct jp_why why = { .text = "" };
	enum status status;
	enum jp_err err;

	args.request.op = JP_ADMIN_LIST;
	list.listing.json = context->json;
	list.terminal = isatty(STDOUT_FILENO) && !context->json;
	list.in_order = args.request.expiring != 0; /* that is the order */
	list.now = jp_clock_now(&jp_system_clock);
	status = session_once(context, &args.request, list_item, &list);
	err = print_rows(&list);
	if (status == STATUS_DONE && err != JP_ERR_OK)
		status = context_fail(context, err, &why);
	listing_end(&list.listing, status == STATUS_DONE);
	if (status == STATUS_DONE && list.terminal)
		print_counts(&list);
	free(list.rows);
	return status;
}

static enum jp_err
take_owner(void *arg, char *value, struct jp_why *why)
{
	struct list_args *list = arg;
	enum jp_err err = jp_group_check(value, why);

	return err != JP_ERR_OK
	           ? err
	           : jp_field_set(list->owner, sizeof(list->owner), value);
}

static const struct cmd_option list_options[] = {
	CMD_FLAG("--all", "revoked and expired ones, too", struct list_args,
	    request.all),
	CMD_SPAN("--expiring", "only those that end within, say, 30d", "30d",
	    struct list_args, request.expiring),
	CMD_SPAN("--unused", "only those not used for longer than, say, 90d",
	    "90d", struct list_args, request.unused),
	CMD_FIELD("--search", "TEXT",
	    "only those with TEXT in user, name or id, in any letters",
	    struct list_args, request.search),
	CMD_CALL("--owner", "GROUP", "only those that GROUP owns", take_owner),
	CMD_TOKEN_ID("--parent", "ID", "only the children of ID",
	    struct list_args, parent),
	CMD_FLAG(
	    "--utc", "exact times on a terminal, too", struct list_args, utc),
};

const struct command cmd_list = {
	.name = "list",
	.synopsis = "[USER] [OPTION]...",
	.help = "list the live tokens, of all users or of USER",
	.options = list_options,
	.option_len = sizeof(list_options) / sizeof(list_options[0]),
	.words_max = 1,
	.word =
	    CMD_USER("USER", NULL, NULL, struct list_args, request.record.user),
	.args = &args,
	.prints = true,
	.only_reads = true,
	.run = list_run,
};

/* ---- expiring ---- */

enum {
	WITHIN = 30 * 86400, /* seconds */
};

static const struct cmd_option expiring_options[] = {
	CMD_SPAN("--within", "that end this soon; default 30d", "30d",
	    struct list_args, request.expiring),
	CMD_FLAG(
	    "--utc", "exact times on a terminal, too", struct list_args, utc),
};

static enum status
expiring_run(struct context *context)
{
	if (args.request.expiring == 0)
		args.request.expiring = WITHIN;
	return list_run(context);
}

const struct command cmd_expiring = {
	.name = "expiring",
	.synopsis = "[OPTION]...",
	.help = "list the live tokens that end soon, the next one first",
	.options = expiring_options,
	.option_len = sizeof(expiring_options) / sizeof(expiring_options[0]),
	.args = &args,
	.prints = true,
	.only_reads = true,
	.run = expiring_run,
};

/* ---- show ---- */

static void
print_text(const char *label, const char *text)
{
	(void)printf("%-13s%s\n", label, text[0] != '\0' ? text : "-");
}

static void
print_time(const char *label, int64_t when)
{
	char text[JP_WHEN_TEXT_MAX];

	jp_when_format(when, text);
	print_text(label, text);
}

static void
print_number(const char *label, uint64_t number)
{
	(void)printf("%-13s%" PRIu64 "\n", label, number);
}

/* What it hangs on, where it does. */
static void
print_ties(const struct jp_record *record)
{
	if (record->parent[0] != '\0')
		print_text("parent", record->parent);
	if (record->owner_group[0] != '\0')
		print_text("owner-group", record->owner_group);
	if (record->claim_until != JP_NEVER)
		print_time("link-until", record->claim_until);
}

static void
print_rights(const struct jp_record *record)
{
	char net[JP_NET_TEXT_MAX];

	if (record->scope_len == 0)
		print_text("scope", "any");
	if (record->service_len == 0)
		print_text("service", "any");
	if (record->net_len == 0)
		print_text("from", "any");
	for (size_t i = 0; i < record->scope_len; i++)
		print_text("scope", record->scopes[i]);
	for (size_t i = 0; i < record->service_len; i++)
		print_text("service", record->services[i]);
	for (size_t i = 0; i < record->net_len; i++) {
		jp_net_format(&record->nets[i], net);
		print_text("from", net);
	}
}

static void
print_end(const struct jp_record *record)
{
	print_time("expires", record->expires_at);
	if (record->disabled_at != JP_NEVER) {
		print_time("disabled", record->disabled_at);
		print_text("disabled-by", record->disabled_by);
	}
	if (record->revoked_at != JP_NEVER) {
		print_time("revoked", record->revoked_at);
		print_text("revoked-by", record->revoked_by);
		print_text("revoked-why", record->revoked_why);
		print_text("reason", record->revoked_why); /* until 1.0 */
	}
	if (record->superseded_at != JP_NEVER) {
		print_time("superseded", record->superseded_at);
		print_time("grace-until", record->grace_until);
		print_text("kept", record->keep_until_grace
		                       ? "until then"
		                       : "until its successor is used");
	}
}

/* A place, and since when it is one, if that is known. */
static void
print_use(const struct jp_use *use)
{
	char at[JP_WHEN_TEXT_MAX], since[JP_WHEN_TEXT_MAX];

	jp_when_format(use->at, at);
	jp_when_format(use->since, since);
	(void)printf("%-13s%s %s %s%s%s\n", "use", at,
	    use->service[0] != '\0' ? use->service : "-",
	    use->rhost[0] != '\0' ? use->rhost : "-",
	    use->since != JP_NEVER ? " since " : "",
	    use->since != JP_NEVER ? since : "");
}

static void
print_uses(const struct jp_record *record)
{

	print_time("last-used", record->last_used_at);
	print_time("last-denied", record->denied_at);
	if (record->denied_at != JP_NEVER)
		print_text("denied-why", record->denied_why);
	print_number("uses", record->use_count);
	if (record->uses_max != 0) {
		print_number("uses-max", record->uses_max);
		print_number("uses-left", record->uses_left);
	}
	for (size_t i = 0; i < record->use_len; i++)
		print_use(&record->uses[i]);
}

static enum jp_err
show_item(void *arg, const struct jp_admin_item *item)
{
	const struct context *context = arg;
	const struct jp_record *record = &item->record;
	char state[JP_STATE_TEXT_MAX];

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	jp_state_format(item->state, record, state);
	if (context->json)
		return output_json(json_record(record, item->state));
	print_text("id", record->id);
	print_number("number", jp_token_number(record->id));
	print_text("user", record->user);
	print_text("name", record->name);
	print_text("state", state);
	print_time("created", record->created_at);
	print_text("created-by", record->created_by);
	print_end(record);
	print_ties(record);
	print_rights(record);
	print_uses(record);
	print_text("family", record->family);
	return JP_ERR_OK;
}

static enum status
show_run(struct context *context)
{
	args.request.op = JP_ADMIN_SHOW;
	return session_once(context, &args.request, show_item, context);
}

const struct command cmd_show = {
	.name = "show",
	.synopsis = "ID [OPTION]...",
	.help = "show everything about a token but its secret",
	.words_min = 1,
	.words_max = 1,
	.word =
	    CMD_TOKEN_ID("ID", NULL, NULL, struct list_args, request.record.id),
	.args = &args,
	.prints = true,
	.only_reads = true,
	.run = show_run,
};
