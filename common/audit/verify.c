#include "common/audit/verify.h"

#include <inttypes.h>
#include <string.h>

/* What a line's number should be, and is not. */
static enum jp_err
wrong_number(uint64_t wanted, uint64_t got, struct jp_why *why)
{
	if (got < wanted)
		return jp_why(why, JP_ERR_DAMAGED,
		    "line %" PRIu64
		    " of the trail stands here again, or not in "
		    "its order",
		    got);
	if (got == wanted + 1)
		return jp_why(why, JP_ERR_DAMAGED,
		    "line %" PRIu64 " of the trail is missing before this one",
		    wanted);
	return jp_why(why, JP_ERR_DAMAGED,
	    "lines %" PRIu64 " to %" PRIu64 " of the trail are missing before "
	    "this one",
	    wanted, got - 1);
}

/* The first line of all names the one before it, which may be gone. */
static enum jp_err
begin(struct jp_audit_check *check, const struct jp_audit_line *line,
    struct jp_why *why)
{
	if (!line->has_prev)
		return jp_why(why, JP_ERR_DAMAGED,
		    "the beginning of this file is missing: it goes on with "
		    "line %" PRIu64 " of the trail",
		    line->seq);
	check->first = line->seq;
	check->at.seq = line->seq - 1;
	memcpy(check->at.mac, line->prev, sizeof(line->prev));
	return JP_ERR_OK;
}

enum jp_err
jp_audit_check_line(struct jp_audit_check *check, const char *text, size_t len,
    struct jp_why *why)
{
	struct jp_audit_line line;
	uint8_t mac[JP_AUDIT_MAC_LEN];
	enum jp_err err = JP_ERR_OK;

	if (jp_audit_line_split(text, len, &line) != JP_ERR_OK)
		return jp_why(why, JP_ERR_DAMAGED, "not a line of the trail");
	if (check->lines == 0)
		err = begin(check, &line, why);
	if (err != JP_ERR_OK)
		return err;
	if (line.seq != check->at.seq + 1)
		return wrong_number(check->at.seq + 1, line.seq, why);
	jp_audit_mac(&check->key, check->at.mac, text, line.body_len, mac);
	if (memcmp(mac, line.mac, sizeof(mac)) != 0)
		return jp_why(why, JP_ERR_DAMAGED,
		    "the line was changed, or written with another pepper");
	if (check->has_checkpoint && line.seq == check->checkpoint.seq &&
	    memcmp(mac, check->checkpoint.mac, sizeof(mac)) != 0)
		return jp_why(why, JP_ERR_DAMAGED,
		    "the line is not the one recorded in audit.head");
	check->lines++;
	check->at.seq = line.seq;
	memcpy(check->at.mac, mac, sizeof(mac));
	return JP_ERR_OK;
}

enum jp_err
jp_audit_check_end(const struct jp_audit_check *check, struct jp_why *why)
{
	uint64_t last = check->at.seq;

	if (!check->has_checkpoint || check->checkpoint.seq <= last)
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_DAMAGED,
	    "the end of the trail is missing: lines %" PRIu64 " to %" PRIu64,
	    last + 1, check->checkpoint.seq);
}
