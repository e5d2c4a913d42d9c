/*
 * pat-admin check: which checks run, and in what order. The checks themselves
 * are the doctor's.
 */
#include <stdio.h>

#include "tools/doctor/doctor.h"

static void (*const checks[])(struct doctor *doctor) = {
#define DOCTOR_ROW(name) doctor_##name,
	DOCTOR_CHECKS(DOCTOR_ROW)
#undef DOCTOR_ROW
};

static struct check_args {
	const char *root;
} args = { .root = "" };

static enum jp_err
take_root(void *arg, char *value, struct jp_why *why)
{
	struct stat st;

	if (stat(value, &st) != 0 || !S_ISDIR(st.st_mode))
		return jp_why(
		    why, JP_ERR_INVALID, "--root: expected a directory");
	((struct check_args *)arg)->root = value;
	return JP_ERR_OK;
}

static const struct cmd_option options[] = {
	CMD_CALL("--root", "FOLDER", "look for the front doors' files below it",
	    take_root),
};

/*
 * A tree without a configuration of its own is looked at alone: nothing of this
 * machine's store, patd and sockets belongs to it.
 */
static void
check_tree(struct doctor *doctor)
{
	jp_settings_default(&doctor->context->settings);
	doctor_servers(doctor);
	doctor_hidden(doctor);
	doctor_doors(doctor);
}

static void
check_machine(struct doctor *doctor)
{
	doctor_config(doctor);
	/* Without it nobody knows where the rest is. */
	for (size_t i = 0;
	     doctor->context->loaded && i < sizeof(checks) / sizeof(checks[0]);
	     i++)
		checks[i](doctor);
}

static enum status
run(struct context *context)
{
	struct doctor doctor = {
		.context = context,
		.settings = &context->settings,
		.root = args.root,
	};

	if (args.root[0] != '\0' && context->config == NULL)
		check_tree(&doctor);
	else
		check_machine(&doctor);
	if (context->json)
		(void)puts("]");
	return doctor.bad ? STATUS_NO : STATUS_DONE;
}

const struct command cmd_check = {
	.name = "check",
	.synopsis = "[OPTION]...",
	.help = "look for what is wrong with store, patd and front doors",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.args = &args,
	.prints = true,
	.only_reads = true,
	.run = run,
};
