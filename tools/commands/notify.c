/*
 * pat-admin notify: runs a command for each token that comes near its end, once
 * for each threshold, and for each new address that a token is used from. Meant
 * for a timer: tools/commands/notices.h keeps how far it came.
 */
#include "tools/commands/commands.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/grow.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"
#include "tools/commands/notices.h"
#include "tools/commands/notify_hook.h"
#include "tools/formats/json_values.h"

/*
 * Seconds after which a use is in the store, or shown by patd: for a moment,
 * while patd writes what it has gathered, it is neither.
 */
#define SETTLED_S INT64_C(60)

struct notify {
	const struct context *context;
	const struct jp_policy *policy;
	int64_t now;
	int64_t settled; /* uses up to then are there to be seen */
	struct marks marks;
	struct notice *notices; /* in their order, once all are gathered */
	size_t len, cap;
	uint64_t told, failed;
	struct jp_why *why;
};

static struct notify_args {
	bool dry_run;
} args;

static const struct cmd_option options[] = {
	CMD_FLAG("--dry-run", "only print which", struct notify_args, dry_run),
};

/* The mark of new addresses: the last one. */
static struct mark *
address_mark(struct notify *notify)
{
	return &notify->marks.of[notify->marks.len - 1];
}

/* ---- what there is to tell ---- */

static struct notice *
add_notice(struct notify *notify, enum notice_event event, int64_t at,
    const struct jp_record *record)
{
	struct notice *notice;

	if (JP_GROW(notify->notices, notify->len, notify->cap) != JP_ERR_OK)
		return NULL;
	notice = &notify->notices[notify->len++];
	memset(notice, 0, sizeof(*notice));
	notice->event = event;
	notice->at = at;
	notice->expires_at = record->expires_at;
	memcpy(notice->id, record->id, sizeof(notice->id));
	memcpy(notice->user, record->user, sizeof(notice->user));
	memcpy(notice->owner_group, record->owner_group,
	    sizeof(notice->owner_group));
	memcpy(notice->name, record->name, sizeof(notice->name));
	return notice;
}

static enum jp_err
take_ending(void *arg, const struct jp_admin_item *item)
{
	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	return add_notice(arg, NOTICE_EXPIRING, item->record.expires_at,
	           &item->record) != NULL
	           ? JP_ERR_OK
	           : JP_ERR_NOMEM;
}

static enum jp_err
take_places(void *arg, const struct jp_admin_item *item)
{
	struct notify *notify = arg;
	const struct jp_record *record = &item->record;

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	for (size_t i = 0; i < record->use_len; i++) {
		const struct jp_use *use = &record->uses[i];
		struct notice *notice;

		/* An import may have brought any text as an address. */
		if (!jp_record_place_is_new(
		        record, i, address_mark(notify)->at) ||
		    !jp_address_valid(use->rhost))
			continue;
		notice =
		    add_notice(notify, NOTICE_NEW_ADDRESS, use->since, record);
		if (notice == NULL)
			return JP_ERR_NOMEM;
		memcpy(notice->address, use->rhost, sizeof(notice->address));
		memcpy(notice->service, use->service, sizeof(notice->service));
	}
	return JP_ERR_OK;
}

static enum jp_err
gather_ending(struct notify *notify, struct session *session)
{
	struct jp_admin_request request = { .op = JP_ADMIN_LIST,
		.clock_rule = JP_CLOCK_NEAR };

	for (size_t i = 0; i < notify->policy->notify_len; i++)
		if (notify->policy->notify_at[i] > request.expiring)
			request.expiring = notify->policy->notify_at[i];
	return request.expiring == 0 ? JP_ERR_OK
	                             : session_run(session, &request,
	                                   take_ending, notify, notify->why);
}

static enum jp_err
gather_places(struct notify *notify, struct session *session)
{
	struct jp_admin_request request = { .op = JP_ADMIN_LIST,
		.clock_rule = JP_CLOCK_NEAR,
		.places_since = address_mark(notify)->at };

	return session_run(session, &request, take_places, notify, notify->why);
}

static enum jp_err
gather(struct notify *notify, struct context *context)
{
	struct session session;
	enum jp_err err = session_open(&session, context, notify->why);

	if (err != JP_ERR_OK)
		return err;
	err = gather_ending(notify, &session);
	if (err == JP_ERR_OK)
		err = gather_places(notify, &session);
	session_close(&session);
	if (err == JP_ERR_OK && notify->len > 0)
		qsort(notify->notices, notify->len, sizeof(notify->notices[0]),
		    notice_compare);
	return err;
}

/* ---- telling it ---- */

static json_t *
json_of(const struct notice *notice, const char *within, bool done)
{
	/* `told`: until 1.0 */
	json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:b,s:b}", "event",
	    notice_name(notice->event), "id", notice->id, "user", notice->user,
	    "owner_group", notice->owner_group, "name", notice->name,
	    "expires_at", json_time(notice->expires_at), "notified", done,
	    "told", done);
	json_t *more = notice->event == NOTICE_EXPIRING
	                   ? json_pack("{s:s}", "within", within)
	                   : json_pack("{s:s,s:s,s:o}", "address",
	                         notice->address, "service", notice->service,
	                         "since", json_time(notice->at));

	(void)json_object_update(json, more);
	json_decref(more);
	return json;
}

static enum jp_err
print_one(const struct notify *notify, const struct notice *notice,
    const char *within, bool done)
{
	char at[JP_WHEN_TEXT_MAX];

	if (notify->context->json)
		return output_json(json_of(notice, within, done));
	jp_when_format(notice->at, at);
	if (notice->event == NOTICE_EXPIRING)
		(void)printf("%s of %s expires %s, within %s\n", notice->id,
		    notice->user, at, within);
	else
		(void)printf("%s of %s is used from %s since %s\n", notice->id,
		    notice->user, notice->address, at);
	return JP_ERR_OK;
}

static enum jp_err
tell_one(struct notify *notify, struct mark *mark, const struct notice *notice)
{
	char within[JP_WHEN_TEXT_MAX] = "";
	enum jp_err err = JP_ERR_OK;
	bool done = false;

	mark_pass(mark, notice);
	if (mark->event == NOTICE_EXPIRING)
		jp_duration_format(mark->threshold, within);
	if (!args.dry_run) {
		err = marks_save(&notify->marks, notify->why);
		if (err != JP_ERR_OK)
			return err;
		done = notify_hook_run(
		    notify->policy->notify_command, notice, within);
		notify->told += done;
		notify->failed += !done;
	}
	return print_one(notify, notice, within, done);
}

/* All that is behind the mark, and not behind `until`. */
static enum jp_err
tell_from(struct notify *notify, struct mark *mark, int64_t until)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < notify->len && err == JP_ERR_OK; i++) {
		const struct notice *notice = &notify->notices[i];

		if (notice->event == mark->event && notice->at <= until &&
		    mark_is_before(mark, notice))
			err = tell_one(notify, mark, notice);
	}
	if (err == JP_ERR_OK)
		mark_pass_until(mark, until);
	return err;
}

static enum jp_err
tell_all(struct notify *notify)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < notify->marks.len && err == JP_ERR_OK; i++) {
		struct mark *mark = &notify->marks.of[i];

		err = tell_from(notify, mark,
		    mark->event == NOTICE_EXPIRING
		        ? jp_when_add(notify->now, mark->threshold)
		        : notify->settled);
	}
	if (err != JP_ERR_OK || args.dry_run)
		return err;
	return marks_save(&notify->marks, notify->why);
}

static enum jp_err
check_policy(const struct jp_policy *policy, struct jp_why *why)
{
	if (policy->notify_command[0] == '\0' && !args.dry_run)
		return jp_why(why, JP_ERR_CONFIG,
		    "there is no command: set [tokens] notify_command");
	return JP_ERR_OK;
}

static void
block_sigchld(void)
{
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct notify notify = { .context = context,
		.policy = &context->settings.policy,
		.now = jp_clock_now(&jp_system_clock),
		.marks = { .fd = -1 },
		.why = &why };
	enum jp_err err = context_load(context, &why);

	notify.settled = jp_when_add(notify.now, -SETTLED_S);
	block_sigchld();
	if (err == JP_ERR_OK)
		err = check_policy(notify.policy, &why);
	if (err == JP_ERR_OK)
		err = marks_open(&notify.marks, context, notify.now,
		    notify.settled, args.dry_run, &why);
	if (err == JP_ERR_OK)
		err = gather(&notify, context);
	if (err == JP_ERR_OK)
		err = tell_all(&notify);
	marks_close(&notify.marks);
	free(notify.notices);
	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	return notify.failed == 0 ? STATUS_DONE : STATUS_NO;
}

const struct command cmd_notify = {
	.name = "notify",
	.synopsis = "[OPTION]...",
	.help = "run notify_command for tokens that end soon or are used from "
	        "a new address",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.prints = true,
	.args = &args,
	.run = run,
};
