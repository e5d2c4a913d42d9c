/*
 * Whether an audit trail is whole: takes its lines one after the other, those
 * of the oldest file first, and reports the first one that is wrong. Pure code.
 */
#ifndef JP_AUDIT_VERIFY_H
#define JP_AUDIT_VERIFY_H

#include "common/audit/line.h"

struct jp_audit_check {
	struct jp_audit_key key;
	bool has_checkpoint; /* `head` is the mark of a trail that should end
	                        there */
	struct jp_audit_link checkpoint;
	uint64_t lines, first; /* lines taken; the number of the first one */
	struct jp_audit_link at;
};

/*
 * Takes one line, without its newline. JP_ERR_DAMAGED: `why` says what is
 * wrong with it.
 */
enum jp_err jp_audit_check_line(struct jp_audit_check *check, const char *text,
    size_t len, struct jp_why *why);

/* After the last line: JP_ERR_DAMAGED if the checkpoint says that there were
 * more. */
enum jp_err
jp_audit_check_end(const struct jp_audit_check *check, struct jp_why *why);

#endif
