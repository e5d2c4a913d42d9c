/*
 * Lists whose numbers cross a socket or lie in a store: a test that pins them
 * fails when a row is moved, renamed, or forgotten there. For tests with
 * cmocka.
 */
#ifndef TESTS_UNIT_PINS_H
#define TESTS_UNIT_PINS_H

#include <stddef.h>

/* A row: its number is its place here, where a new one comes last. */
struct pin {
	int code;
	const char *name;
};

static inline void
assert_pinned(const struct pin *pins, size_t len, int count,
    const char *(*name_of)(int code))
{
	assert_int_equal(len, count);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(pins[i].code, i);
		assert_string_equal(name_of(pins[i].code), pins[i].name);
	}
}

#endif
