#include "common/wire/verdict.h"

static const struct {
	enum jp_verdict verdict;
	const char *name;
	const char *text;
} reasons[] = {
#define JP_REASON_ROW(code, verdict, name, text) { verdict, name, text },
	JP_REASON_LIST(JP_REASON_ROW)
#undef JP_REASON_ROW
};

enum jp_verdict
jp_reason_verdict(enum jp_reason reason)
{
	return reasons[reason].verdict;
}

bool
jp_reason_proved(enum jp_reason reason)
{
	return reason >= JP_REASON_USER && reason <= JP_REASON_GROUP;
}

bool
jp_reason_rights(enum jp_reason reason)
{
	return reason >= JP_REASON_SERVICE && reason <= JP_REASON_GROUP;
}

const char *
jp_reason_name(enum jp_reason reason)
{
	return reasons[reason].name;
}

const char *
jp_reason_text(enum jp_reason reason)
{
	return reasons[reason].text;
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
