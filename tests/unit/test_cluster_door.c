/* cluster.sock, and who may come to it: patd/cluster_door.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "patd/cluster_door.h"
#include "tests/unit/process_help.h"
#include "tests/unit/store_help.h"

struct fixture {
	char top[PATH_MAX];
	struct jp_settings settings;
	struct cluster_door door;
	struct logged logged;
	int visitor;
};

static void
make_dir(const struct fixture *fixture)
{
	assert_int_equal(mkdir(fixture->settings.run_dir, 0700), 0);
}

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct jp_why why;

	assert_non_null(fixture);
	scratch_make(fixture->top);
	assert_true((size_t)snprintf(fixture->settings.run_dir,
	                sizeof(fixture->settings.run_dir), "%s/run",
	                fixture->top) < sizeof(fixture->settings.run_dir));
	make_dir(fixture);
	fixture->visitor = -1;
	logged_begin(&fixture->logged);
	cluster_door_init(&fixture->door, &fixture->settings, geteuid());
	assert_int_equal(cluster_door_open(&fixture->door, &why), JP_ERR_OK);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	cluster_door_close(&fixture->door);
	logged_end(&fixture->logged);
	if (fixture->visitor >= 0)
		(void)close(fixture->visitor);
	(void)unlink(fixture->door.path);
	(void)rmdir(fixture->settings.run_dir);
	(void)rmdir(fixture->top);
	free(fixture);
	return 0;
}

/* Somebody comes to the door, in place of who came before. */
static void
visit(struct fixture *fixture)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (fixture->visitor >= 0)
		(void)close(fixture->visitor);
	(void)strcpy(addr.sun_path, fixture->door.path);
	fixture->visitor = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	assert_true(fixture->visitor >= 0);
	assert_int_equal(connect(fixture->visitor,
	                     (const struct sockaddr *)&addr, sizeof(addr)),
	    0);
}

/* Who came is sent away: the connection is over. */
static void
assert_sent_away(struct fixture *fixture, bool taken)
{
	char byte;

	visit(fixture);
	assert_int_equal(cluster_door_accept(&fixture->door, taken), -1);
	assert_int_equal(recv(fixture->visitor, &byte, 1, 0), 0);
}

static void
assert_let_in(struct fixture *fixture)
{
	int fd;

	visit(fixture);
	fd = cluster_door_accept(&fixture->door, false);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	assert_int_equal(recv(fixture->visitor, &(char){ 0 }, 1, 0), 1);
	(void)close(fd);
}

static void
assert_bound(struct fixture *fixture)
{
	struct stat st;

	assert_int_equal(lstat(fixture->door.path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_let_in(fixture);
}

static void
it_is_in_the_directory_of_sockets_and_gone_when_closed(void **state)
{
	struct fixture *fixture = *state;
	char path[sizeof(fixture->door.path)];

	(void)snprintf(
	    path, sizeof(path), "%s/cluster.sock", fixture->settings.run_dir);
	assert_string_equal(fixture->door.path, path);
	assert_bound(fixture);
	cluster_door_close(&fixture->door);
	assert_int_equal(access(path, F_OK), -1);
	assert_logged(&fixture->logged, 0, "");
}

static void
the_account_of_the_settings_and_our_own_may_come(void **state)
{
	struct fixture *fixture = *state;

	fixture->door.own = geteuid() + 1;
	assert_let_in(fixture);
	fixture->door.own = geteuid();
	fixture->door.uid = geteuid() + 1;
	assert_let_in(fixture);
	assert_logged(&fixture->logged, 0, "");
}

static void
nobody_at_the_door_is_nobody(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(cluster_door_accept(&fixture->door, false), -1);
	assert_logged(&fixture->logged, 0, "");
}

/* And is named in the log, but fills it not by coming again. */
static void
a_stranger_is_sent_away(void **state)
{
	struct fixture *fixture = *state;
	char line[64];

	fixture->door.own = fixture->door.uid = geteuid() + 1;
	(void)snprintf(line, sizeof(line), "cluster: uid %u connects to",
	    (unsigned)geteuid());
	assert_sent_away(fixture, false);
	assert_logged(&fixture->logged, 1, line);
	assert_sent_away(fixture, true);
	assert_logged(&fixture->logged, 0, "");
}

static void
the_second_one_is_sent_away(void **state)
{
	struct fixture *fixture = *state;

	assert_sent_away(fixture, true);
	assert_logged(&fixture->logged, 1, "a second pat-clusterd connects to");
	/* What is said in between makes it news. */
	fixture->door.own = fixture->door.uid = geteuid() + 1;
	assert_sent_away(fixture, false);
	assert_logged(&fixture->logged, 1, "is not [cluster] user");
	fixture->door.own = geteuid();
	assert_sent_away(fixture, true);
	assert_logged(&fixture->logged, 1, "a second pat-clusterd connects to");
}

static void
a_file_that_is_there_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	int fd = fixture->door.listening.fd;

	cluster_door_look(&fixture->door);
	assert_int_equal(fixture->door.listening.fd, fd);
	assert_bound(fixture);
	assert_logged(&fixture->logged, 0, "");
}

static void
a_file_that_is_removed_comes_back(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(unlink(fixture->door.path), 0);
	cluster_door_look(&fixture->door);
	assert_logged(
	    &fixture->logged, 1, "cluster.sock was gone: bound again");
	assert_bound(fixture);
}

/* patd makes the directory again, which may be later. */
static void
a_directory_that_is_removed_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	const int open = count_open();

	assert_int_equal(unlink(fixture->door.path), 0);
	assert_int_equal(rmdir(fixture->settings.run_dir), 0);
	cluster_door_look(&fixture->door);
	cluster_door_look(&fixture->door);
	assert_logged(&fixture->logged, 1, "cannot bind");
	make_dir(fixture);
	cluster_door_look(&fixture->door);
	assert_logged(
	    &fixture->logged, 1, "cluster.sock was gone: bound again");
	assert_int_equal(count_open(), open);
	assert_bound(fixture);
}

static void
a_file_in_its_place_is_somebody_elses(void **state)
{
	struct fixture *fixture = *state;
	int fd;

	assert_int_equal(unlink(fixture->door.path), 0);
	fd = open(fixture->door.path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	cluster_door_look(&fixture->door);
	cluster_door_look(&fixture->door);
	assert_logged(&fixture->logged, 1, "cluster.sock is another file now");
	assert_int_equal(unlink(fixture->door.path), 0);
	cluster_door_look(&fixture->door);
	assert_logged(
	    &fixture->logged, 1, "cluster.sock was gone: bound again");
	assert_bound(fixture);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(it_is_in_the_directory_of_sockets_and_gone_when_closed),
		TEST(the_account_of_the_settings_and_our_own_may_come),
		TEST(nobody_at_the_door_is_nobody),
		TEST(a_stranger_is_sent_away),
		TEST(the_second_one_is_sent_away),
		TEST(a_file_that_is_there_is_left_alone),
		TEST(a_file_that_is_removed_comes_back),
		TEST(a_directory_that_is_removed_is_waited_for),
		TEST(a_file_in_its_place_is_somebody_elses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
