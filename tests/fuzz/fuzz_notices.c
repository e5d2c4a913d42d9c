/*
 * The marks of `pat-admin notify`: whatever the file says, none lies so far
 * ahead that notices would be lost, and they are written so that they are read
 * the same.
 */
#include "tests/fuzz/fuzz.h"
#include "tools/commands/notices.h"

enum { NOW = 1800000000, DAY = 86400 };

static void
check(const struct mark *mark)
{
	int64_t latest =
	    mark->event == NOTICE_EXPIRING ? NOW + mark->threshold : NOW;

	FUZZ_ASSERT(jp_when_valid(mark->at) && mark->at <= latest);
	FUZZ_ASSERT(notice_name(mark->event)[0] != '\0');
}

static void
check_again(const struct marks *marks, struct marks *again)
{
	char printed[MARKS_TEXT_MAX], text[MARKS_TEXT_MAX];

	printed[marks_print(marks, printed)] = '\0';
	strcpy(text, printed);
	marks_read(again, text, NOW);
	text[marks_print(again, text)] = '\0';
	FUZZ_ASSERT(strcmp(text, printed) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct jp_policy policy = { .notify_len = 2,
		.notify_at = { 14 * DAY, DAY } };
	struct marks marks, again;
	struct notice notice = { .at = NOW };
	char *text = fuzz_text(data, size);

	marks_start(&marks, &policy, NOW, NOW - DAY);
	again = marks;
	marks_read(&marks, text, NOW);
	for (size_t i = 0; i < marks.len; i++)
		check(&marks.of[i]);
	check_again(&marks, &again);
	for (size_t i = 0; i < marks.len; i++) {
		mark_pass(&marks.of[i], &notice);
		FUZZ_ASSERT(!mark_is_before(&marks.of[i], &notice));
	}
	free(text);
	return 0;
}
