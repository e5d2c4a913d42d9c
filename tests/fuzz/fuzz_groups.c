/* A list of groups: what is accepted is printed so that it is read again. */
#include "common/record/user.h"
#include "tests/fuzz/fuzz.h"

enum {
	TEXT_MAX = 4096,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const separators[] = { ",", ";", " \t," };
	char text[TEXT_MAX + 1], printed[JP_GROUPS_TEXT_MAX];
	struct jp_user user, again;
	struct jp_why why;
	const char *by;

	if (size == 0 || size > TEXT_MAX)
		return 0;
	by = separators[data[0] % 3];
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	jp_user_default(&user, "alice");
	again = user;
	if (jp_user_add_groups(&user, text, by, &why) != JP_ERR_OK)
		return 0;
	jp_user_print_groups(&user, by[0], printed);
	FUZZ_ASSERT(jp_user_add_groups(&again, printed, by, &why) == JP_ERR_OK);
	FUZZ_ASSERT(memcmp(&user, &again, sizeof(user)) == 0);
	return 0;
}
