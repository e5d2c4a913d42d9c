/*
 * pat-admin user: whether the tokens of a user work at all, and its groups.
 * The first word says what is to be done; one table knows what each means.
 */
#include "common/base/grow.h"
#include "tools/cli/table.h"
#include "tools/commands/commands.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sys/time_text.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"
#include "tools/formats/json_values.h"

struct user_args {
	const struct verb *verb; /* NULL: the first word is still to come */
	struct jp_admin_request request;
	bool none, disabled_only;
	size_t len, cap;
	char (*users)[JP_USER_MAX + 1];
};

static struct user_args args;

static enum status list_run(struct context *context, struct session *session);
static enum status each_run(struct context *context, struct session *session);

static const struct verb {
	const char *name;
	const char *done; /* in front of the user, when it is */
	enum jp_admin_op op;
	unsigned int fields; /* that it sets */
	bool disabled;       /* to what it sets the state */
	bool protected;      /* to what it sets the protection */
	bool needs_user;
	enum status (*run)(struct context *context, struct session *session);
} verbs[] = {
	{ "list", "", JP_ADMIN_USERS, 0, false, false, false, list_run },
	{ "show", "", JP_ADMIN_USER, 0, false, false, true, each_run },
	{ "disable", "disabled", JP_ADMIN_SET_USER, JP_USER_STATE, true, false,
	    true, each_run },
	{ "enable", "enabled", JP_ADMIN_SET_USER, JP_USER_STATE, false, false,
	    true, each_run },
	{ "protect", "protected", JP_ADMIN_SET_USER, JP_USER_PROTECTION, false,
	    true, true, each_run },
	{ "unprotect", "unprotected", JP_ADMIN_SET_USER, JP_USER_PROTECTION,
	    false, false, true, each_run },
	{ "groups", "set groups of", JP_ADMIN_SET_USER, JP_USER_GROUPS, false,
	    false, true, each_run },
};

/* ---- arguments ---- */

static enum jp_err
take_verb(struct user_args *user, const char *word, struct jp_why *why)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, word) == 0)
			user->verb = &verbs[i];
	if (user->verb != NULL)
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_INVALID,
	    "expected list, show, disable, enable, protect, unprotect or "
	    "groups as the first argument");
}

static enum jp_err
add_user(struct user_args *user, const char *name, struct jp_why *why)
{
	enum jp_err err = jp_user_check(name, why);

	if (err == JP_ERR_OK &&
	    JP_GROW(user->users, user->len, user->cap) != JP_ERR_OK)
		return JP_ERR_NOMEM;
	return err != JP_ERR_OK ? err
	                        : jp_field_set(user->users[user->len++],
	                              sizeof(user->users[0]), name);
}

static enum jp_err
take_word(void *arg, char *value, struct jp_why *why)
{
	struct user_args *user = arg;

	if (user->verb == NULL)
		return take_verb(user, value, why);
	if (!user->verb->needs_user)
		return jp_why(why, JP_ERR_INVALID,
		    "%s takes no user: see `show`", user->verb->name);
	if (user->verb->fields == JP_USER_GROUPS && user->len == 1)
		return jp_user_add_group(&user->request.user, value, why);
	return add_user(user, value, why);
}

static enum jp_err
take_note(void *arg, char *value, struct jp_why *why)
{
	struct user_args *user = arg;
	enum jp_err err = jp_text_check("--note", value, JP_NOTE_MAX, why);

	user->request.user_fields |= JP_USER_NOTE;
	return err != JP_ERR_OK ? err
	                        : jp_field_set(user->request.user.note,
	                              sizeof(user->request.user.note), value);
}

static const struct cmd_option options[] = {
	CMD_CALL("--note", "TEXT", "why, for the record", take_note),
	CMD_FLAG("--none", "groups: the user is in no group", struct user_args,
	    none),
	CMD_FLAG("--disabled", "list: only those that are disabled",
	    struct user_args, disabled_only),
};

/* ---- output ---- */

static json_t *
json_user(const struct jp_admin_item *item)
{
	const struct jp_user *user = &item->user;
	json_t *groups = json_array();

	for (size_t i = 0; i < user->group_len; i++)
		(void)json_array_append_new(
		    groups, json_string(user->groups[i]));
	return json_pack("{s:s,s:b,s:b,s:o,s:s,s:I,s:o,s:s}", "user",
	    user->name, "active", (int)!user->disabled, "protected",
	    (int)user->protected, "groups", groups, "note", user->note,
	    "live_tokens", (json_int_t)item->live, "changed_at",
	    json_time(user->changed_at), "changed_by", user->changed_by);
}

static const char *
state_of(const struct jp_user *user)
{
	static const char *const states[2][2] = {
		{ "active", "active,protected" },
		{ "disabled", "disabled,protected" },
	};

	return states[user->disabled][user->protected];
}

/* The groups with commas between them, or "-". */
static void
join_groups(const struct jp_user *user, char text[JP_GROUPS_TEXT_MAX])
{
	(void)snprintf(text, JP_GROUPS_TEXT_MAX, "-");
	if (user->group_len > 0)
		jp_user_print_groups(user, ',', text);
}

static enum jp_err
list_item(void *arg, const struct jp_admin_item *item)
{
	struct listing *listing = arg;
	const struct jp_user *user = &item->user;
	char groups[JP_GROUPS_TEXT_MAX];
	char changed[JP_WHEN_TEXT_MAX], live[24];
	const char *cells[] = { user->name, state_of(user), live, groups,
		changed, user->note[0] != '\0' ? user->note : "-" };

	if (item->kind != JP_ITEM_USER)
		return JP_ERR_PROTOCOL;
	if (listing->json)
		return listing_json(listing, json_user(item));
	(void)snprintf(
	    live, sizeof(live), "%llu", (unsigned long long)item->live);
	join_groups(user, groups);
	jp_when_format(user->changed_at, changed);
	return listing_row(listing, cells);
}

static enum status
list_run(struct context *context, struct session *session)
{
	static const char *const heads[] = { "USER", "STATE", "TOKENS",
		"GROUPS", "CHANGED", "NOTE" };
	static struct listing listing = { .heads = heads,
		.columns = sizeof(heads) / sizeof(heads[0]) };
	struct jp_why why = { .text = "" };
	enum jp_err err;

	listing.json = context->json;
	err = session_run(session, &args.request, list_item, &listing, &why);
	listing_end(&listing, err == JP_ERR_OK);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}

static void
print_text(const char *label, const char *text)
{
	(void)printf("%-13s%s\n", label, text[0] != '\0' ? text : "-");
}

static void
print_user(const struct jp_admin_item *item)
{
	const struct jp_user *user = &item->user;
	char changed[JP_WHEN_TEXT_MAX];

	print_text("user", user->name);
	print_text("state", state_of(user));
	(void)printf(
	    "%-13s%llu\n", "live-tokens", (unsigned long long)item->live);
	for (size_t i = 0; i < user->group_len; i++)
		print_text("group", user->groups[i]);
	print_text("note", user->note);
	jp_when_format(user->changed_at, changed);
	print_text("changed", changed);
	print_text("changed-by", user->changed_by);
}

static enum jp_err
each_item(void *arg, const struct jp_admin_item *item)
{
	const struct context *context = arg;
	char groups[JP_GROUPS_TEXT_MAX];
	json_t *json;

	if (item->kind != JP_ITEM_USER)
		return JP_ERR_PROTOCOL;
	if (context->json) {
		json = json_user(item);
		if (args.verb->fields != 0)
			(void)json_object_set_new(
			    json, "changed", json_boolean(item->changed));
		return output_json(json);
	}
	if (args.verb->fields == 0) {
		print_user(item);
		return JP_ERR_OK;
	}
	join_groups(&item->user, groups);
	(void)printf("%s%s %s: live tokens %llu, groups %s\n",
	    item->changed ? "" : "already ", args.verb->done, item->user.name,
	    (unsigned long long)item->live, groups);
	return JP_ERR_OK;
}

/* JSON: a line for each. The worst status of all is the status. */
static enum status
each_run(struct context *context, struct session *session)
{
	enum status status = STATUS_DONE, one;
	struct jp_why why = { .text = "" };
	enum jp_err err;

	for (size_t i = 0; i < args.len && status != STATUS_UNAVAILABLE; i++) {
		memcpy(args.request.user.name, args.users[i],
		    sizeof(args.request.user.name));
		err = session_run(
		    session, &args.request, each_item, context, &why);
		one = err == JP_ERR_OK ? STATUS_DONE
		                       : context_fail(context, err, &why);
		if (one > status)
			status = one;
	}
	return status;
}

static enum jp_err
check_args(struct jp_why *why)
{
	const struct verb *verb = args.verb;

	if (verb->needs_user && args.len == 0)
		return jp_why(
		    why, JP_ERR_INVALID, "%s: name a user", verb->name);
	if (args.none && verb->fields != JP_USER_GROUPS)
		return jp_why(
		    why, JP_ERR_INVALID, "--none is for `user groups`");
	if (args.disabled_only && verb->op != JP_ADMIN_USERS)
		return jp_why(
		    why, JP_ERR_INVALID, "--disabled is for `user list`");
	if (verb->fields == 0 && args.request.user_fields != 0)
		return jp_why(why, JP_ERR_INVALID,
		    "--note is for disable, enable, protect, unprotect and "
		    "groups");
	if (verb->fields == JP_USER_GROUPS &&
	    args.none == (args.request.user.group_len > 0))
		return jp_why(why, JP_ERR_INVALID,
		    "groups: name the groups of the user, all of them, or give "
		    "--none");
	return JP_ERR_OK;
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct session session;
	enum status status;
	enum jp_err err = check_args(&why);

	args.request.op = args.verb->op;
	args.request.all = !args.disabled_only;
	args.request.user_fields |= args.verb->fields;
	args.request.user.disabled = args.verb->disabled;
	args.request.user.protected = args.verb->protected;
	if (err == JP_ERR_OK)
		err = session_open(&session, context, &why);
	if (err == JP_ERR_OK) {
		status = args.verb->run(context, &session);
		session_close(&session);
	} else {
		status = context_fail(context, err, &why);
	}
	free(args.users);
	return status;
}

const struct command cmd_user = {
	.name = "user",
	.synopsis =
	    "list|show|disable|enable|protect|unprotect|groups [USER]... "
	    "[OPTION]...",
	.help =
	    "list, show, disable, enable or protect users; set their groups",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = SIZE_MAX,
	.word = CMD_CALL("VERB", NULL, NULL, take_word),
	.args = &args,
	.prints = true,
	.run = run,
};
