#include "common/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/escape.h"

static const struct {
	const char *name;
	const char *text;
} errors[JP_ERR_COUNT] = {
#define JP_ERR_ROW(code, number, name, text) [number] = { name, text },
	JP_ERR_LIST(JP_ERR_ROW)
#undef JP_ERR_ROW
};

const char *
jp_err_name(enum jp_err err)
{
	return (unsigned int)err < JP_ERR_COUNT ? errors[err].name : "unknown";
}

const char *
jp_err_text(enum jp_err err)
{
	return (unsigned int)err < JP_ERR_COUNT ? errors[err].text
	                                        : "unknown error";
}

enum jp_err
jp_err_from_errno(int errnum)
{
	switch (errnum) {
	case 0:
		return JP_ERR_OK;
	case ENOMEM:
		return JP_ERR_NOMEM;
	case EACCES:
	case EPERM:
	case EROFS:
		return JP_ERR_PERMISSION;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return JP_ERR_DISK_FULL;
	case ENOENT:
		return JP_ERR_MISSING;
	case EEXIST:
		return JP_ERR_EXISTS;
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
		return JP_ERR_UNREACHABLE;
	case ETIMEDOUT:
		return JP_ERR_TIMEOUT;
	case EMSGSIZE:
		return JP_ERR_TOO_LONG;
	default:
		return JP_ERR_IO;
	}
}

const char *
jp_refusal_id(enum jp_refusal refusal)
{
	static const char *const ids[JP_REFUSAL_COUNT] = {
#define JP_REFUSAL_ROW(code, number, id) [number] = (id),
		JP_REFUSAL_LIST(JP_REFUSAL_ROW)
#undef JP_REFUSAL_ROW
	};

	return (unsigned int)refusal < JP_REFUSAL_COUNT ? ids[refusal] : "";
}

__attribute__((format(printf, 2, 0))) static void
write_why(struct jp_why *why, const char *format, va_list args)
{
	(void)vsnprintf(why->text, sizeof(why->text), format, args);
	jp_cut_end(why->text);
	jp_mask(why->text);
}

enum jp_err
jp_why(struct jp_why *why, enum jp_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_why(why, format, args);
	va_end(args);
	why->refusal = JP_REFUSAL_NONE;
	return err;
}

enum jp_err
jp_why_refusal(struct jp_why *why, enum jp_err err, enum jp_refusal refusal,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_why(why, format, args);
	va_end(args);
	why->refusal = refusal;
	return err;
}

enum jp_err
jp_why_is(struct jp_why *why, enum jp_err err, enum jp_refusal refusal)
{
	why->refusal = refusal;
	return err;
}

void
jp_why_clear(struct jp_why *why)
{
	why->text[0] = '\0';
	why->refusal = JP_REFUSAL_NONE;
}
