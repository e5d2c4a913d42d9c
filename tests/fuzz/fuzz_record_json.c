/*
 * A line that `pat-admin import` reads: what is accepted is written so that it
 * is read the same, and with each value as it was read; and it goes to patd as
 * it is.
 */
#include "tests/fuzz/fuzz.h"
#include "tools/formats/record_json.h"

/* Large, and one at a time: not on the stack. */
static struct json_line line, again;

/* What the record says without it, and what has several spellings. */
static bool
is_free(const char *key)
{
	static const char *const keys[] = { "state", "state_text",
		"state_cause", "number", "networks", "fast_tag", "link_tag",
		"pepper", "family" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* null: nothing was said. */
static void
compare(json_t *was, json_t *is)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_array(was)) {
		json_array_foreach(was, i, value)
		    compare(value, json_array_get(is, i));
	} else if (json_is_object(was)) {
		json_object_foreach(was, key, value) if (!is_free(key))
		    compare(value, json_object_get(is, key));
	} else if (!json_is_null(was) && is != NULL) {
		FUZZ_ASSERT(json_equal(was, is));
	}
}

static void
compare_values(const char *read, json_t *written)
{
	json_t *json = json_loads(read, 0, NULL);

	FUZZ_ASSERT(json != NULL);
	compare(json, written);
	json_decref(json);
}

static void
read_again(const char *read, json_t *json)
{
	struct jp_why why = { .text = "" };
	char *text = json_dumps(json, 0);

	compare_values(read, json);
	FUZZ_ASSERT(text != NULL);
	FUZZ_ASSERT(json_line_read(text, &again, &why) == JP_ERR_OK);
	FUZZ_ASSERT(memcmp(&line, &again, sizeof(line)) == 0);
	free(text);
	json_decref(json);
}

static void
send(const struct jp_moved *moved)
{
	static uint8_t bytes[JP_BATCH_MAX];
	static struct jp_moved came;
	struct jp_buf to, from;

	jp_buf_write(&to, bytes, sizeof(bytes));
	FUZZ_ASSERT(jp_batch_put(&to, moved) == JP_ERR_OK);
	jp_buf_read(&from, bytes, to.pos);
	FUZZ_ASSERT(jp_batch_get(&from, &came) == JP_ERR_OK);
	FUZZ_ASSERT(memcmp(moved, &came, sizeof(came)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_why why = { .text = "" };
	char *text = fuzz_text(data, size);

	if (json_line_read(text, &line, &why) != JP_ERR_OK) {
		fuzz_says(why.text);
	} else if (line.is_user) {
		read_again(text, user_json_write(&line.user));
	} else {
		send(&line.moved);
		read_again(
		    text, record_json_write(&line.moved,
		              jp_record_state(&line.moved.record, 1800000000)));
	}
	free(text);
	return 0;
}
