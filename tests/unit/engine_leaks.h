/*
 * What Berkeley DB does not free where an environment could not be opened, or
 * has panicked, is no fault of ours. For a program's one source.
 */
#ifndef JP_TESTS_ENGINE_LEAKS_H
#define JP_TESTS_ENGINE_LEAKS_H

const char *
__lsan_default_suppressions(void) __attribute__((visibility("default")));

const char *
__lsan_default_suppressions(void)
{
	return "leak:libdb\n";
}

#endif
