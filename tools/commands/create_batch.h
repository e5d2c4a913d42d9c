/*
 * tools/commands/: the commands of pat-admin, one file each.
 *
 * pat-admin create --batch: many tokens, from a file of comma-separated values
 * into another one. The columns are the options of `create`.
 */
#ifndef PAT_ADMIN_CREATE_BATCH_H
#define PAT_ADMIN_CREATE_BATCH_H

#include "common/admin/admin.h"
#include "tools/cli/command.h"
#include "tools/formats/csv_file.h"
#include "tools/cli/session.h"

struct batch {
	const char *from;       /* a file with a column "user" */
	const char *to;         /* a new file, which only its owner can read */
	struct csv_style style; /* of `from` */
	int64_t link_for;       /* links, valid for these seconds; 0: tokens */

	/* How a field becomes a part of `request`, which `args` holds. */
	const struct command *command;
	struct jp_admin_request *request;
};

/*
 * Reads and tries every row before the first token is made. Where that fails
 * in the middle all of them end again and the file goes. Prints what was done,
 * or what went wrong.
 */
enum status create_batch(struct context *context, const struct batch *batch);

#endif
