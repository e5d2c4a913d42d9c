#include "tools/cli/option.h"

#include <string.h>

#include "common/base/text.h"
#include "common/sys/time_text.h"
#include "tools/cli/arguments.h"

static enum jp_err
take_field(const struct cmd_option *option, char *to, const char *value,
    struct jp_why *why)
{
	enum jp_err err =
	    jp_text_check(option->name, value, option->size - 1, why);

	return err != JP_ERR_OK ? err : jp_field_set(to, option->size, value);
}

static enum jp_err
take_user(const struct cmd_option *option, char *to, const char *value,
    struct jp_why *why)
{
	enum jp_err err = jp_user_check(value, why);

	return err != JP_ERR_OK ? err : jp_field_set(to, option->size, value);
}

/* "never" would be 0, which means something else to most commands. */
static enum jp_err
take_span(const struct cmd_option *option, int64_t *to, const char *value,
    struct jp_why *why)
{
	bool zero = option->kind == CMD_IS_SPAN_OR_0;

	if (strcmp(value, "never") != 0 &&
	    jp_duration_parse(value, to) == JP_ERR_OK &&
	    (zero || *to != JP_NEVER))
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_INVALID,
	    "%s: expected a duration such as %s%s", option->name,
	    option->example, zero ? ", or 0" : "");
}

enum jp_err
option_take(const struct cmd_option *option, void *args, char *value,
    struct jp_why *why)
{
	void *to;

	if (option->kind == CMD_IS_CALL)
		return option->take(args, value, why);
	if (args == NULL) /* no other has a place to go to */
		return JP_ERR_INVALID;
	to = (char *)args + option->at;
	switch (option->kind) {
	case CMD_IS_CALL:
		break;
	case CMD_IS_FLAG:
		*(bool *)to = true;
		return JP_ERR_OK;
	case CMD_IS_TEXT:
		*(const char **)to = value;
		return JP_ERR_OK;
	case CMD_IS_FIELD:
		return take_field(option, to, value, why);
	case CMD_IS_USER:
		return take_user(option, to, value, why);
	case CMD_IS_TOKEN_ID:
		return arguments_token_id(value, option->name, to, why);
	case CMD_IS_SPAN:
	case CMD_IS_SPAN_OR_0:
		return take_span(option, to, value, why);
	case CMD_IS_EXPIRY:
		return arguments_expires(value, to, why);
	}
	return JP_ERR_INVALID;
}
