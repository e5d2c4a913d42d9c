/*
 * pat-admin list and pat-admin show: records, without what proves a secret.
 */
#include "tools/commands.h"

#include <stdio.h>
#include <string.h>

#include "common/when.h"
#include "tools/output.h"
#include "tools/session.h"

static struct jp_admin_request request;

/* ---- list ---- */

static enum jp_err
take_user(void *arg, char *value, struct jp_why *why)
{
	struct jp_admin_request *list = arg;
	enum jp_err err = jp_user_check(value, why);

	return err != JP_ERR_OK ? err
	                        : jp_field_set(list->record.user,
	                              sizeof(list->record.user), value);
}

static enum jp_err
take_all(void *arg, char *value, struct jp_why *why)
{
	(void)value;
	(void)why;
	((struct jp_admin_request *)arg)->all = true;
	return JP_ERR_OK;
}

static enum jp_err
take_expiring(void *arg, char *value, struct jp_why *why)
{
	struct jp_admin_request *list = arg;

	if (jp_duration_parse(value, &list->expiring) == JP_ERR_OK &&
	    list->expiring != JP_NEVER)
		return JP_ERR_OK;
	return jp_why(
	    why, JP_ERR_INVALID, "--expiring: expected a duration such as 30d");
}

static enum jp_err
take_unused(void *arg, char *value, struct jp_why *why)
{
	struct jp_admin_request *list = arg;

	if (jp_duration_parse(value, &list->unused) == JP_ERR_OK &&
	    list->unused != JP_NEVER)
		return JP_ERR_OK;
	return jp_why(
	    why, JP_ERR_INVALID, "--unused: expected a duration such as 90d");
}

static const struct cmd_option list_options[] = {
	{ "--all", NULL, "revoked and expired ones, too", take_all },
	{ "--expiring", "DURATION", "only those that end within, say, 30d",
	    take_expiring },
	{ "--unused", "DURATION",
	    "only those not used for longer than, say, 90d", take_unused },
};

static enum jp_err
list_item(void *arg, const struct jp_admin_item *item)
{
	struct listing *listing = arg;
	const struct jp_record *record = &item->record;
	char created[JP_WHEN_TEXT_MAX], expires[JP_WHEN_TEXT_MAX];
	char used[JP_WHEN_TEXT_MAX], state[JP_STATE_TEXT_MAX];
	const char *cells[] = { record->id, record->user, record->name, state,
		created, expires, used };

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	if (listing->json)
		return listing_json(listing, json_record(record, item->state));
	jp_state_format(item->state, record, state);
	jp_when_format(record->created_at, created);
	jp_when_format(record->expires_at, expires);
	jp_when_format(record->last_used_at, used);
	if (record->name[0] == '\0')
		cells[2] = "-"; /* seven words on each line, for awk */
	return listing_row(listing, cells);
}

static enum status
list_run(struct context *context)
{
	static const char *const heads[] = { "ID", "USER", "NAME", "STATE",
		"CREATED", "EXPIRES", "LAST-USED" };
	static struct listing listing = { .heads = heads,
		.columns = sizeof(heads) / sizeof(heads[0]) };
	enum status status;

	request.op = JP_ADMIN_LIST;
	listing.json = context->json;
	status = session_once(context, &request, list_item, &listing);
	listing_end(&listing, status == STATUS_DONE);
	return status;
}

const struct command cmd_list = {
	.name = "list",
	.synopsis = "[USER] [OPTION]...",
	.help = "list the live tokens, of all users or of USER",
	.options = list_options,
	.option_len = sizeof(list_options) / sizeof(list_options[0]),
	.words_max = 1,
	.take_word = take_user,
	.args = &request,
	.prints = true,
	.only_reads = true,
	.run = list_run,
};

/* ---- expiring ---- */

enum {
	WITHIN = 30 * 86400, /* seconds */
};

static enum jp_err
take_within(void *arg, char *value, struct jp_why *why)
{
	struct jp_admin_request *list = arg;

	if (jp_duration_parse(value, &list->expiring) == JP_ERR_OK &&
	    list->expiring != JP_NEVER)
		return JP_ERR_OK;
	return jp_why(
	    why, JP_ERR_INVALID, "--within: expected a duration such as 30d");
}

static const struct cmd_option expiring_options[] = {
	{ "--within", "DURATION", "that end this soon; default 30d",
	    take_within },
};

static enum status
expiring_run(struct context *context)
{
	if (request.expiring == 0)
		request.expiring = WITHIN;
	return list_run(context);
}

const struct command cmd_expiring = {
	.name = "expiring",
	.synopsis = "[OPTION]...",
	.help = "list the live tokens that end soon, the next one first",
	.options = expiring_options,
	.option_len = sizeof(expiring_options) / sizeof(expiring_options[0]),
	.args = &request,
	.prints = true,
	.only_reads = true,
	.run = expiring_run,
};

/* ---- show ---- */

static enum jp_err
take_id(void *arg, char *value, struct jp_why *why)
{
	return token_id_read(
	    value, "ID", ((struct jp_admin_request *)arg)->record.id, why);
}

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
	if (record->revoked_at != JP_NEVER) {
		print_time("revoked", record->revoked_at);
		print_text("revoked-by", record->revoked_by);
		print_text("reason", record->revoked_why);
	}
	if (record->superseded_at != JP_NEVER) {
		print_time("superseded", record->superseded_at);
		print_time("grace-until", record->grace_until);
		print_text("kept", record->keep_until_grace
		                       ? "until then"
		                       : "until its successor is used");
	}
}

static void
print_uses(const struct jp_record *record)
{
	char at[JP_WHEN_TEXT_MAX];

	print_time("last-used", record->last_used_at);
	print_time("last-denied", record->denied_at);
	if (record->denied_at != JP_NEVER)
		print_text("denied-why", record->denied_why);
	(void)printf("%-13s%lu\n", "uses", (unsigned long)record->use_count);
	for (size_t i = 0; i < record->use_len; i++) {
		jp_when_format(record->uses[i].at, at);
		(void)printf("%-13s%s %s %s\n", "use", at,
		    record->uses[i].service[0] != '\0' ? record->uses[i].service
		                                       : "-",
		    record->uses[i].rhost[0] != '\0' ? record->uses[i].rhost
		                                     : "-");
	}
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
		return json_print(json_record(record, item->state));
	print_text("id", record->id);
	print_text("user", record->user);
	print_text("name", record->name);
	print_text("state", state);
	print_time("created", record->created_at);
	print_text("created-by", record->created_by);
	print_end(record);
	print_rights(record);
	print_uses(record);
	print_text("family", record->family);
	return JP_ERR_OK;
}

static enum status
show_run(struct context *context)
{
	request.op = JP_ADMIN_SHOW;
	return session_once(context, &request, show_item, context);
}

const struct command cmd_show = {
	.name = "show",
	.synopsis = "ID [OPTION]...",
	.help = "show all of one token but its secret",
	.words_min = 1,
	.words_max = 1,
	.take_word = take_id,
	.args = &request,
	.prints = true,
	.only_reads = true,
	.run = show_run,
};
