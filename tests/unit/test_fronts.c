/* The rows of the fronts, patd/fronts.c: none is half filled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>

#include "patd/front.h"

static void
a_row_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; fronts[i] != NULL; i++) {
		const struct front *front = fronts[i];

		print_message("row %zu\n", i);
		assert_true(front->type == SOCK_SEQPACKET ||
		            front->type == SOCK_STREAM);
		assert_true(front->mode != 0);
		assert_true(front->file != NULL || front->more != 0);
		assert_true(front->file != NULL || front->name != NULL);
		assert_true(front->administers == (front->receive == NULL));
		assert_true(front->administers == (front->send == NULL));
	}
}

/* What a service manager passes belongs to one of them only. */
static void
a_socket_has_one_row(void **state)
{
	(void)state;
	for (size_t i = 0; fronts[i] != NULL; i++)
		for (size_t k = 0; k < i; k++) {
			const char *a = fronts[i]->file, *b = fronts[k]->file;

			assert_ptr_not_equal(fronts[i], fronts[k]);
			if (fronts[i]->type != fronts[k]->type)
				continue;
			if (a == NULL && b == NULL) /* by their keys */
				assert_int_not_equal(
				    fronts[i]->more, fronts[k]->more);
			if (a != NULL && b != NULL)
				assert_string_not_equal(a, b);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_whole),
		cmocka_unit_test(a_socket_has_one_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
