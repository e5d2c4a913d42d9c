/*
 * What the log of patd says of a decision besides its fields:
 * patd/decision_log.c.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "patd/decision_log.h"

/* OpenSSH's auth-pam.c: as many bytes as were typed. */
#define FILLER "\b\n\r\177INCORRECT"

#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

static const char replaced[] =
    " (sshd replaced the password: the user has no passwd line, or may not "
    "log in)";

static const struct {
	const char *text;
	enum jp_front front;
	enum jp_reason reason;
	bool noted;
} cases[] = {
	{ FILLER, JP_FRONT_PAM, JP_REASON_SHAPE, true },
	{ FILLER FILLER FILLER "\b\n\r\177INC", JP_FRONT_PAM, JP_REASON_SHAPE,
	    true },
	{ FILLER FILLER "\b", JP_FRONT_PAM, JP_REASON_SHAPE, true },
	/* Shorter: somebody may have typed it, or it is cut. */
	{ "\b\n\r\177INCORREC", JP_FRONT_PAM, JP_REASON_SHAPE, false },
	{ "", JP_FRONT_PAM, JP_REASON_SHAPE, false },
	{ "INCORRECT", JP_FRONT_PAM, JP_REASON_SHAPE, false },
	{ FILLER FILLER "x", JP_FRONT_PAM, JP_REASON_SHAPE, false },
	{ "x" FILLER, JP_FRONT_PAM, JP_REASON_SHAPE, false },
	{ TOKEN, JP_FRONT_PAM, JP_REASON_REVOKED, false },
	{ FILLER, JP_FRONT_SASL, JP_REASON_SHAPE, false },
	{ FILLER, JP_FRONT_PAM, JP_REASON_STORE, false },
};

static void
what_sshd_puts_in_a_passwords_place_is_known(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jp_request request = { .front = cases[i].front };
		struct jp_decision decision = { .reason = cases[i].reason };

		assert_int_equal(jp_secret_set(&request.token, cases[i].text,
		                     strlen(cases[i].text)),
		    JP_ERR_OK);
		assert_string_equal(decision_log_note(&request, &decision),
		    cases[i].noted ? replaced : "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_sshd_puts_in_a_passwords_place_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
