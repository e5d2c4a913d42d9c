#include "tools/cli/context.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/output.h"

/* What is not here is STATUS_UNAVAILABLE. */
static const struct {
	enum jp_err err;
	enum status status;
} statuses[] = {
	{ JP_ERR_OK, STATUS_DONE },
	{ JP_ERR_NOT_FOUND, STATUS_NO },
	{ JP_ERR_REFUSED, STATUS_NO },
	{ JP_ERR_INVALID, STATUS_USAGE },
	{ JP_ERR_TOO_LONG, STATUS_USAGE },
};

/* What to do, where the line about the error does not say it itself. */
static const struct {
	enum jp_err err;
	const char *advice;
} advices[] = {
	{ JP_ERR_PERMISSION,
	    "run as root, or as a member of [patd] admin_group while patd "
	    "runs" },
	{ JP_ERR_DISK_FULL, "make room on that disk and try again" },
	{ JP_ERR_PEER,
	    "others can write to the socket directory: see `pat-admin "
	    "check`" },
};

/* Whether the advice is followed already: what forbids it says why itself. */
static bool
is_followed(enum jp_err err)
{
	return err == JP_ERR_PERMISSION && geteuid() == 0;
}

enum status
context_fail(
    const struct context *context, enum jp_err err, const struct jp_why *why)
{
	struct jp_why unwritten;

	/* The reader has what it wanted: `pat-admin list | head`. */
	if (err == JP_ERR_IO && context->command->only_reads &&
	    output_reader_left())
		return STATUS_DONE;
	/* Who prints an element does not say what hinders it. */
	if (err == JP_ERR_IO && why->text[0] == '\0' &&
	    output_end(&unwritten) != JP_ERR_OK)
		why = &unwritten;
	(void)fprintf(stderr, "pat-admin: %s: %s\n", context->command->name,
	    why->text[0] != '\0' ? why->text : jp_err_text(err));
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (advices[i].err == err && !is_followed(err))
			(void)fprintf(stderr, "%s\n", advices[i].advice);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].err == err)
			return statuses[i].status;
	return STATUS_UNAVAILABLE;
}

enum jp_err
context_load(struct context *context, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	if (!context->loaded)
		err =
		    jp_settings_load(context->config, &context->settings, why);
	context->loaded = err == JP_ERR_OK;
	return err;
}
