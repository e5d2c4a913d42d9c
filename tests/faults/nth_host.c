/*
 * A host of the PAM module, or of the SASL plugin, in which every n-th call of
 * the module fails, and of libpam. patd is a fake
 * that accepts one token. tests/faults/nth_modules.sh starts it, with
 * nth_call.c preloaded:
 *
 *     nth_host pam FOLDER     with the service file FOLDER/host
 *     nth_host sasl FOLDER    with plugins in FOLDER
 *
 * Both know the socket FOLDER/sock.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sasl/sasl.h>
#include <security/pam_appl.h>

#include "tests/fake_patd.h"
#include "tests/faults/nth_call.h"

#define GOOD "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"
#define BAD "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpE"

enum { SETTLES = 5000 };

static atomic_ullong *words;
static const char *folder;
static char socket_path[96];
static const char *token; /* that the client shows */
static unsigned long long plans;
static int fds; /* that are open between two transactions */

/* The n-th fails, or all from it on, or it moves fewer bytes. */
enum how { ONCE, EVER, SHORT, HOWS };

static const char *const hows[] = { "once", "ever", "short" };

static const struct {
	const char *name;
	int error;
} classes[] = {
#define ROW(code, name, error) { name, error },
	NTH_CLASS_LIST(ROW)
#undef ROW
};

static int
answer(void *arg, const struct jp_request *request, uint8_t *bytes)
{
	bool good = strcmp(request->token.text, GOOD) == 0;

	(void)arg;
	return fake_reply(request, good ? JP_ACCEPT : JP_DENY,
	    good ? request->user : "", bytes);
}

/* ---- PAM ---- */

static int
converse(int count, const struct pam_message **messages,
    struct pam_response **responses, void *arg)
{
	(void)messages;
	(void)arg;
	*responses = calloc((size_t)count, sizeof(**responses));
	if (*responses == NULL)
		return PAM_BUF_ERR;
	(*responses)[0].resp = strdup(token);
	return PAM_SUCCESS;
}

/* 1: in, 0: not in, -1: what must not be. */
static int
ask_pam(void)
{
	const struct pam_conv conv = { converse, NULL };
	pam_handle_t *pamh = NULL;
	int rc = pam_start_confdir("host", "alice", &conv, folder, &pamh);

	if (rc != PAM_SUCCESS)
		return 0;
	rc = pam_authenticate(pamh, PAM_SILENT);
	(void)pam_end(pamh, rc);
	if (rc == PAM_IGNORE || rc == PAM_NEW_AUTHTOK_REQD)
		return -1;
	return rc == PAM_SUCCESS;
}

/* ---- SASL ---- */

static int
get_option(void *context, const char *plugin, const char *option,
    const char **value, unsigned int *len)
{
	static const char *const rows[][2] = {
		{ "jirapat_enable", "yes" },
		{ "jirapat_socket", socket_path },
	};

	(void)context;
	(void)plugin;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i][0], option) != 0)
			continue;
		*value = rows[i][1];
		if (len != NULL)
			*len = (unsigned int)strlen(*value);
		return SASL_OK;
	}
	return SASL_FAIL;
}

static int
get_path(void *context, const char **path)
{
	(void)context;
	*path = folder;
	return SASL_OK;
}

static int
log_line(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	return strstr(text, GOOD + 14) != NULL ? SASL_FAIL : SASL_OK;
}

static bool
start_sasl(void)
{
	static sasl_callback_t callbacks[] = {
		{ SASL_CB_GETOPT, (int (*)(void))(void *)get_option, NULL },
		{ SASL_CB_GETPATH, (int (*)(void))(void *)get_path, NULL },
		{ SASL_CB_LOG, (int (*)(void))(void *)log_line, NULL },
		{ SASL_CB_LIST_END, NULL, NULL },
	};

	return sasl_server_init(callbacks, "host") == SASL_OK;
}

static int
ask_sasl(void)
{
	char message[128];
	int len =
	    snprintf(message, sizeof(message), "%calice%c%s", 0, 0, token);
	sasl_conn_t *conn = NULL;
	const char *out;
	unsigned int out_len;
	int rc = sasl_server_new(
	    "imap", "localhost", NULL, NULL, NULL, NULL, 0, &conn);

	if (rc == SASL_OK)
		rc = sasl_server_start(
		    conn, "PLAIN", message, (unsigned int)len, &out, &out_len);
	sasl_dispose(&conn);
	return rc == SASL_OK;
}

/* ---- the sweep ---- */

static void
arm(enum nth_class class, unsigned long long first, enum how how,
    unsigned long long by)
{
	words[NTH_CLASS] = class;
	words[NTH_FIRST] = first;
	words[NTH_LAST] = how == EVER ? ~0ULL : first;
	words[NTH_ERROR] =
	    how == SHORT ? 0 : (unsigned long long)classes[class].error;
	words[NTH_BY] = by;
	words[NTH_COUNT] = words[NTH_FAILED] = 0;
	words[NTH_ARMED] = 1;
}

/* Who waits for a signal to stop coming waits for ever. */
static bool
is_tried(enum nth_class class, enum how how)
{
	switch (how) {
	case EVER:
		return class != NTH_SIGNAL;
	case SHORT:
		return class == NTH_READ || class == NTH_WRITE;
	case ONCE:
	case HOWS:
		break;
	}
	return true;
}

/*
 * Whether no more descriptors are open than before; the fake closes its end,
 * too, and may have taken a connection only after its client had left.
 */
static bool
settles(void)
{
	for (int i = 0; i < SETTLES; i++) {
		if (fake_open_fds() <= fds)
			return true;
		(void)usleep(1000);
	}
	return false;
}

/*
 * What is wrong when the n-th call fails; NULL: nothing. What is harmless
 * changes nothing.
 */
static const char *
try(int (*ask)(void), const char *shown, bool harmless)
{
	int in;

	token = shown;
	in = ask();
	words[NTH_ARMED] = 0;
	if (in < 0 || (in > 0 && strcmp(shown, GOOD) != 0))
		return "accepted";
	if (harmless && in == 0 && strcmp(shown, GOOD) == 0)
		return "not accepted";
	if (!settles())
		return "a descriptor is left open";
	token = GOOD;
	return ask() == 1 ? NULL : "the next one is not served";
}

static unsigned int
sweep(
    int (*ask)(void), enum nth_class class, enum how how, unsigned long long by)
{
	static const char *const shown[] = { GOOD, BAD, "a password" };
	bool harmless = class == NTH_SIGNAL || how == SHORT;
	unsigned int wrong = 0;

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		unsigned long long n = 0, failed;

		do {
			const char *why;

			arm(class, ++n, how, by);
			why = try(ask, shown[i], harmless);
			failed = words[NTH_FAILED];
			if (why != NULL && ++wrong < 10)
				printf("# %s:%llu:%s %s\n", classes[class].name,
				    n, hows[how], why);
		} while (failed > 0);
		plans += n - 1;
	}
	return wrong;
}

static void
sweep_all(int (*ask)(void), const char *whose, unsigned long long by)
{
	static int number;
	unsigned int wrong = 0;

	plans = 0;

	for (int class = 0; class < NTH_CLASSES; class ++)
		for (int how = 0; how < HOWS; how++)
			if (is_tried((enum nth_class) class, (enum how)how))
				wrong += sweep(ask, (enum nth_class) class,
				    (enum how)how, by);
	printf("%sok %d - whatever call of %s fails, no wrong token is in, and "
	       "the next one is served\n# %llu plans\n",
	    wrong > 0 ? "not " : "", ++number, whose, plans);
}

static bool
map_plan(void)
{
	const char *path = getenv(NTH_ENV);
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return false;
	at = mmap(
	    NULL, sizeof(nth_words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	words = at;
	return at != MAP_FAILED;
}

int
main(int argc, char **argv)
{
	bool pam = argc == 3 && strcmp(argv[1], "pam") == 0;
	struct fake_patd *patd;

	if (argc != 3 || !map_plan())
		return 2;
	folder = argv[2];
	(void)snprintf(socket_path, sizeof(socket_path), "%s/sock", folder);
	patd = fake_patd_start(socket_path, answer, NULL);
	if (!pam && !start_sasl())
		return 2;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%d\n", pam ? 2 : 1);
	fds = fake_open_fds();
	sweep_all(pam ? ask_pam : ask_sasl, pam ? "the module" : "the plugin",
	    1ULL << NTH_BY_MODULE);
	if (pam) /* libsasl2 crashes where it gets no memory itself */
		sweep_all(ask_pam, "libpam", 1ULL << NTH_BY_PAM);
	fake_patd_stop(patd);
	return 0;
}
