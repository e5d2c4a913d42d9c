#include "config.h"

#include "common/sys/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/log.h"
#include "common/sys/process.h"

enum {
	LOG_DRAIN_MS = 2000, /* for the last lines */
};

/* Its signals cannot be read: it was not told to end, though it does. */
static bool is_deaf;

static const struct daemon {
	enum jp_process process;
	const char *name, *purpose, *debug;
	bool has_tokens;
} daemons[] = {
	{ JP_PROCESS_PATD, "patd",
	    "Answers questions about personal access tokens.",
	    "log accepted questions and bad messages, too", true },
	{ JP_PROCESS_HTTPD, "pat-httpd",
	    "Answers proxies that ask whether a request may pass, and serves "
	    "the page where users manage their tokens.",
	    "log each answer, too", true },
	{ JP_PROCESS_CLUSTERD, "pat-clusterd",
	    "Links patd with the PostgreSQL that several hosts share.",
	    "log each step, too", false },
};

static const struct {
	const char *name, *value, *help;
	unsigned int whose;
} known[] = {
#define OPTION_ROW(code, name, value, help, whose) { name, value, help, whose },
	JP_OPTION_LIST(OPTION_ROW)
#undef OPTION_ROW
};

/* getopt_long(3) prints what is wrong itself. */
static bool
parse(const struct daemon *daemon, int argc, char **argv,
    struct jp_options *options)
{
	struct option table[JP_OPTION_COUNT + 1] = { { .name = NULL } };
	struct option *end = table;
	int code;

	for (int i = 0; i < JP_OPTION_COUNT; i++)
		if ((known[i].whose & daemon->process) != 0)
			*end++ = (struct option){ known[i].name,
				known[i].value != NULL, NULL, i };
	while ((code = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (code < 0 || code >= JP_OPTION_COUNT)
			return false;
		options->given[code] = true;
		if (code == JP_OPTION_CONFIG)
			options->config = optarg;
	}
	if (optind < argc)
		fprintf(stderr, "%s: unexpected argument: %s\n", daemon->name,
		    argv[optind]);
	return optind == argc;
}

static void
print_help(const struct daemon *daemon)
{
	printf("Usage: %s [OPTION]...\n%s\n\n", daemon->name, daemon->purpose);
	for (size_t i = 0; i < JP_OPTION_COUNT; i++) {
		const char *value = known[i].value;
		char left[32];

		if ((known[i].whose & daemon->process) == 0)
			continue;
		(void)snprintf(left, sizeof(left), "--%s%s%s", known[i].name,
		    value != NULL ? " " : "", value != NULL ? value : "");
		printf("  %-18s %s\n", left,
		    known[i].help != NULL ? known[i].help : daemon->debug);
	}
}

int
jp_daemon_main(enum jp_process process, int argc, char **argv,
    enum jp_daemon_status (*run)(const struct jp_options *options))
{
	const struct daemon *daemon = daemons;
	struct jp_options options = { .config = NULL };
	enum jp_daemon_status status;

	jp_hold_descriptors();
	while (daemon->process != process)
		daemon++;
	options.program = daemon->name;
	if (!parse(daemon, argc, argv, &options)) {
		fprintf(stderr, "%s: usage: see %s --help\n", daemon->name,
		    daemon->name);
		return JP_DAEMON_USAGE;
	}
	if (options.given[JP_OPTION_HELP]) {
		print_help(daemon);
		return JP_DAEMON_DONE;
	}
	if (options.given[JP_OPTION_VERSION]) {
		printf("%s (%s) %s\n", daemon->name, PACKAGE_NAME,
		    PACKAGE_VERSION);
		return JP_DAEMON_DONE;
	}
	/* Nobody reads the standard error of a process spawned for once. */
	options.to_syslog = options.given[JP_OPTION_SYSLOG] ||
	                    options.given[JP_OPTION_ONE_SHOT];
	if (daemon->has_tokens)
		jp_bind_now(argv);
	status = run(&options);
	if (status == JP_DAEMON_DONE && is_deaf)
		status = JP_DAEMON_FAILED;
	(void)jp_log_stop(LOG_DRAIN_MS);
	return (int)status;
}

void
jp_daemon_begin(const struct jp_options *options)
{
	jp_log_open(options->program, options->to_syslog,
	    options->given[JP_OPTION_DEBUG]);
	jp_harden_process();
}

enum jp_daemon_status
jp_daemon_fail(const struct jp_options *options, const char *what,
    const struct jp_why *why)
{
	if (options->to_syslog)
		fprintf(
		    stderr, "%s: %s: %s\n", options->program, what, why->text);
	jp_log(LOG_ERR, "%s: %s", what, why->text);
	return JP_DAEMON_FAILED;
}

/* ---- signals ---- */

static void
fill_signals(sigset_t *signals)
{
	(void)sigemptyset(signals);
	(void)sigaddset(signals, SIGTERM);
	(void)sigaddset(signals, SIGINT);
	(void)sigaddset(signals, SIGHUP);
}

void
jp_daemon_block_signals(void)
{
	sigset_t signals;

	fill_signals(&signals);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

int
jp_daemon_signal_fd(void)
{
	sigset_t signals;

	fill_signals(&signals);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
jp_daemon_next_signal(int fd)
{
	struct signalfd_siginfo info;
	ssize_t got;

	do
		got = read(fd, &info, sizeof(info));
	while (got < 0 && errno == EINTR);
	if (got == (ssize_t)sizeof(info))
		return (int)info.ssi_signo;
	if (got < 0 && errno == EAGAIN)
		return 0;
	jp_log(LOG_ERR, "cannot read signals, and ends: %s",
	    strerror(got < 0 ? errno : EIO));
	is_deaf = true;
	return SIGTERM;
}
