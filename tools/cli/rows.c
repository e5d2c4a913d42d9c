#include "tools/cli/rows.h"

#include <sodium.h>

static void
empty(struct rows *rows)
{
	rows->len = 0;
	jp_buf_write(&rows->buf, rows->bytes, sizeof(rows->bytes));
}

void
rows_start(struct rows *rows)
{
	rows->told = 0;
	empty(rows);
}

static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	struct rows *rows = arg;

	if (item->kind != JP_ITEM_ROW)
		return rows->take != NULL ? rows->take(rows->arg, item)
		                          : JP_ERR_PROTOCOL;
	if (item->row >= rows->len)
		return JP_ERR_PROTOCOL;
	rows->asked = item->row;
	rows->has_asked = true;
	rows->told++;
	return JP_ERR_OK;
}

/* Puts the place in front of what is wrong, where the answer says it. */
static enum jp_err
at_line(const struct rows *rows, enum jp_err err, struct jp_why *why)
{
	const struct jp_why what = *why;

	if (!rows->has_asked || rows->file == NULL)
		return err;
	return jp_why(why, err, "%.200s:%lu: %.280s", rows->file,
	    rows->lines[rows->asked],
	    what.text[0] != '\0' ? what.text : jp_err_text(err));
}

enum jp_err
rows_send(struct rows *rows, struct jp_why *why)
{
	static struct jp_admin_request request; /* zeroes, but for these */
	enum jp_err err;

	if (rows->len == 0)
		return JP_ERR_OK;
	request.op = rows->op;
	request.dry_run = rows->dry_run;
	request.skip_known = rows->skip_known;
	request.link_for = rows->link_for;
	request.batch = rows->bytes;
	request.batch_len = rows->buf.pos;
	rows->has_asked = false;
	why->text[0] = '\0';
	err = session_run(rows->session, &request, take, rows, why);
	if (err != JP_ERR_OK)
		return at_line(rows, err, why);
	if (rows->sent != NULL)
		err = rows->sent(rows->arg, why);
	empty(rows);
	return err;
}

enum jp_err
rows_add(struct rows *rows, unsigned long line, rows_put put, const void *row,
    struct jp_why *why)
{
	enum jp_err err = JP_ERR_TOO_LONG;

	if (rows->len < JP_BATCH_ROWS)
		err = put(&rows->buf, row);
	if (err == JP_ERR_TOO_LONG) {
		err = rows_send(rows, why);
		if (err == JP_ERR_OK)
			err = put(&rows->buf, row);
	}
	if (err == JP_ERR_OK)
		rows->lines[rows->len++] = line;
	return err;
}

void
rows_end(struct rows *rows)
{
	sodium_memzero(rows->bytes, sizeof(rows->bytes));
}
