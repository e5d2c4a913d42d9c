/*
 * pat-admin: creates, lists, revokes and tests personal access tokens. Here
 * are main() and the table of commands; each command is a file in commands/.
 */
#include "config.h"

#include <signal.h>

#include "common/sys/process.h"
#include "tools/cli/dispatch.h"
#include "tools/cli/output.h"
#include "tools/commands/commands.h"

#define ROW(group, name) { group, &cmd_##name },

static const struct dispatch_row rows[] = { COMMAND_LIST(ROW) };

int
main(int argc, char **argv)
{
	const struct dispatch dispatch = { rows,
		sizeof(rows) / sizeof(rows[0]) };
	int status;

	jp_hold_descriptors();
	jp_harden_process();
	(void)signal(SIGPIPE, SIG_IGN); /* a write error is reported instead */
	output_start();
	status = dispatch_run(&dispatch, argc > 0 ? argv + 1 : argv);
	output_forget();
	return status;
}
