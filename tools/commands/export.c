/*
 * pat-admin export: every record as a line of JSON, with its hash, for `import`
 * on another machine. No text of a token is in it: nobody has them.
 */
#include "tools/commands/commands.h"

#include <string.h>

#include "tools/cli/output.h"
#include "tools/cli/progress.h"
#include "tools/formats/record_json.h"
#include "tools/cli/session.h"

struct export
{
	uint64_t records;
	struct progress progress;
};

static enum jp_err
print_one(void *arg, const struct jp_admin_item *item)
{
	struct export *export = arg;
	static struct jp_moved moved;

	if (item->kind == JP_ITEM_USER)
		return output_json(user_json_write(&item->user));
	if (item->kind != JP_ITEM_MOVED)
		return JP_ERR_PROTOCOL;
	moved.record = item->record;
	memcpy(moved.pepper, item->pepper, sizeof(moved.pepper));
	progress_show(&export->progress, ++export->records, 0);
	return output_json(record_json_write(&moved, item->state));
}

static enum status
run(struct context *context)
{
	static const struct jp_admin_request request = { .op = JP_ADMIN_EXPORT,
		.all = true };
	struct export export = { .records = 0 };
	enum status status;

	progress_start(&export.progress, "export", "records");
	status = session_once(context, &request, print_one, &export);
	progress_end(&export.progress);
	return status;
}

const struct command cmd_export = {
	.name = "export",
	.synopsis = "[OPTION]...",
	.help = "print all records with their hashes, as JSON lines",
	.prints = true,
	.only_reads = true,
	.run = run,
};
