#include "common/wire/verdict.h"

static const struct row {
	enum jp_verdict verdict;
	enum jp_finding finding;
	const char *name;
	const char *text;
} reasons[JP_REASON_COUNT] = {
#define JP_REASON_ROW(code, number, verdict, finding, name, text)              \
	[number] = { verdict, JP_FINDING_##finding, name, text },
	JP_REASON_LIST(JP_REASON_ROW)
#undef JP_REASON_ROW
};

static const struct row *
row_of(enum jp_reason reason)
{
	return &reasons[(unsigned int)reason < JP_REASON_COUNT
	                    ? reason
	                    : JP_REASON_NONE];
}

enum jp_verdict
jp_reason_verdict(enum jp_reason reason)
{
	return row_of(reason)->verdict;
}

enum jp_finding
jp_reason_finding(enum jp_reason reason)
{
	return row_of(reason)->finding;
}

bool
jp_reason_proved(enum jp_reason reason)
{
	enum jp_finding finding = jp_reason_finding(reason);

	return jp_reason_verdict(reason) == JP_DENY &&
	       (finding == JP_FINDING_PROVED ||
	           finding == JP_FINDING_LACKS_RIGHT);
}

bool
jp_reason_rights(enum jp_reason reason)
{
	return jp_reason_finding(reason) == JP_FINDING_LACKS_RIGHT;
}

enum jp_denial
jp_reason_denial(enum jp_reason reason)
{
	return jp_reason_rights(reason) ? JP_DENIAL_RIGHTS
	                                : JP_DENIAL_CREDENTIALS;
}

const char *
jp_reason_name(enum jp_reason reason)
{
	return row_of(reason)->name;
}

const char *
jp_reason_text(enum jp_reason reason)
{
	return row_of(reason)->text;
}

const char *
jp_verdict_name(enum jp_verdict verdict)
{
	switch (verdict) {
	case JP_ACCEPT:
		return "accepted";
	case JP_UNAVAILABLE:
		return "unavailable";
	case JP_MAY:
		return "may";
	case JP_DENY:
		break;
	}
	return "denied";
}
