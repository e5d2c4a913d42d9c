/*
 * Values of the options of `pat-admin create`, one a line, the first byte of
 * which chooses the option, as from the command line and from a row of a batch;
 * and ids, as a word and in a file. What is refused is not shown if it is a
 * token.
 */
#include "common/base/escape.h"
#include "tests/fuzz/scratch.h"
#include "tools/cli/token_ids.h"
#include "tools/commands/commands.h"

static bool
is_for_files(const struct cmd_option *option)
{
	return strcmp(option->name, "--column") == 0 ||
	       strcmp(option->name, "--separator") == 0 ||
	       strcmp(option->name, "--batch") == 0 ||
	       strcmp(option->name, "--output") == 0;
}

/* Kinds that others have. */
struct more_args {
	char user[JP_USER_MAX + 1];
	int64_t span;
};
static const struct cmd_option more[] = {
	CMD_USER("--user", "USER", "", struct more_args, user),
	CMD_SPAN_OR_0("--grace", "", "24h", struct more_args, span),
};

static void
take_more(char *value)
{
	struct more_args args = { .user = "" };
	struct jp_why why = { .text = "" };

	if (option_take(&more[value[0] & 1], &args, value + 1, &why) !=
	    JP_ERR_OK)
		fuzz_says(why.text);
	FUZZ_ASSERT(jp_when_valid(args.span));
	FUZZ_ASSERT(!jp_has_token(args.user));
}

static void
take(char *value)
{
	const struct command *command = &cmd_create;
	size_t i = (unsigned char)value[0] % (command->option_len + 1);
	const struct cmd_option *option =
	    i < command->option_len ? &command->options[i] : &command->word;
	struct jp_why why = { .text = "" };

	if (value[0] == '\0')
		return;
	if (is_for_files(option)) {
		take_more(value);
		return;
	}
	if (option_take(option, command->args, value + 1, &why) != JP_ERR_OK)
		fuzz_says(why.text);
}

static void
check(const struct jp_record *record)
{
	FUZZ_ASSERT(record->scope_len <= JP_SCOPES_MAX);
	FUZZ_ASSERT(record->service_len <= JP_SERVICES_MAX);
	FUZZ_ASSERT(record->net_len <= JP_NETS_MAX);
	FUZZ_ASSERT(!jp_has_token(record->name));
	FUZZ_ASSERT(!jp_has_token(record->user));
	for (size_t i = 0; i < record->scope_len; i++)
		FUZZ_ASSERT(record->scopes[i][0] != '\0');
}

/* One of them as a word, the first line. */
static void
take_id(const char *lines)
{
	struct token_ids ids = { .file = NULL };
	struct jp_why why = { .text = "" };
	char *text = strndup(lines, strcspn(lines, "\n"));

	FUZZ_ASSERT(text != NULL);
	if (token_ids_take(&ids, text, &why) != JP_ERR_OK)
		fuzz_says(why.text);
	else
		FUZZ_ASSERT(jp_token_id_valid(ids.ids[0]));
	FUZZ_ASSERT(token_ids_read(&ids, &why) == JP_ERR_OK && ids.len <= 1);
	fuzz_hides(text);
	token_ids_free(&ids);
	free(text);
}

/* Those of `file`: how many, or -1. */
static int
read_ids(const char *file)
{
	struct token_ids ids = { .file = file };
	struct jp_why why = { .text = "" };
	int count = -1;

	if (token_ids_read(&ids, &why) != JP_ERR_OK) {
		fuzz_says(why.text);
	} else {
		for (size_t i = 0; i < ids.len; i++)
			FUZZ_ASSERT(jp_token_id_valid(ids.ids[i]));
		count = (int)ids.len;
	}
	token_ids_free(&ids);
	return count;
}

/* There is no such file where it would be empty. */
static void
read_file_of_ids(const uint8_t *data, size_t size)
{
	FILE *real = stdin;
	char path[64];
	int count;

	stdin = fuzz_file(data, size);
	count = read_ids("-");
	(void)fclose(stdin);
	stdin = real;
	(void)snprintf(path, sizeof(path), "%s/ids", fuzz_scratch());
	if (size > 0)
		fuzz_scratch_write(path, data, size, 0600);
	else
		(void)unlink(path);
	FUZZ_ASSERT(read_ids(path) == (size > 0 ? count : -1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The first member of the command's arguments. */
	struct jp_admin_request *request = cmd_create.args;
	char *text = fuzz_text(data, size), *rest = text, *line;

	memset(request, 0, sizeof(*request));
	take_id(text);
	while ((line = strsep(&rest, "\n")) != NULL)
		take(line);
	check(&request->record);
	read_file_of_ids(data, size);
	free(text);
	return 0;
}
