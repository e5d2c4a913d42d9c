/* Prints the system calls that each confined process may make: one a line. */
#include "config.h"

#include <stdio.h>

#include "common/sys/sandbox.h"
#include "common/sys/sandbox_calls.h"

static void
print(const struct jp_call *call, unsigned int process, const char *name)
{
	if ((call->made & process) != 0)
		printf("%s\t%s\tmade\n", name, call->name);
	else if ((call->rare & process) != 0)
		printf("%s\t%s\trare\n", name, call->name);
}

int
main(void)
{
	const struct jp_call *call;

	for (size_t i = 0; (call = jp_sandbox_call(i)) != NULL; i++) {
#define PRINT(code, bit, name) print(call, bit, name);
		JP_PROCESS_LIST(PRINT)
#undef PRINT
	}
	return 0;
}
