#include "tools/doctor/servers.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "tools/cli/prefixes.h"

enum {
	TEXT_MAX = 1 << 20, /* bytes of a file */
	DETAIL_MAX = 128,   /* bytes of one that are shown */
};

static const struct {
	enum level level;
	const char *door;
	const char *name;
	const char *text;
} traps[] = {
#define TRAP_ROW(code, level, door, name, text) { level, door, name, text },
	TRAP_LIST(TRAP_ROW)
#undef TRAP_ROW
};

/* ---- Findings ---- */

/* FNV-1a, 64 bits: to tell findings apart, not to protect them. */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static bool
seen_before(struct doors *doors, uint64_t hash)
{
	for (size_t i = 0; i < doors->seen_len; i++)
		if (doors->seen[i] == hash)
			return true;
	if (doors->seen_len < DOORS_SEEN_MAX)
		doors->seen[doors->seen_len++] = hash;
	return false;
}

void
doors_trap(struct doors *doors, enum trap trap, const char *file,
    unsigned int line, const char *detail)
{
	char path[JP_ESCAPED_MAX(JP_PATH_MAX)], shown[DETAIL_MAX] = "";
	char text[2 * JP_WHY_MAX];
	uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), file);

	if (detail != NULL)
		(void)jp_escape(shown, sizeof(shown), detail);
	hash = hash_text(hash ^ (uint64_t)trap << 32 ^ line, shown);
	if (seen_before(doors, hash))
		return;
	doors->found++;
	(void)jp_escape(path, sizeof(path), file);
	(void)snprintf(text, sizeof(text), "%s%s%s", shown,
	    shown[0] != '\0' ? ": " : "", traps[trap].text);
	report_trap(doors->doctor, traps[trap].level, traps[trap].door,
	    traps[trap].name, path, line, text);
}

/* ---- Files ---- */

static bool
below_root(const struct doors *doors, const char *path, char *room, size_t size)
{
	int len = snprintf(room, size, "%s%s", doors->root, path);

	return len > 0 && (size_t)len < size;
}

/* All of a regular file; NULL if it is none, too large or not readable. */
static char *
read_text(int fd, size_t *len)
{
	char *text = NULL;
	struct stat st;
	ssize_t got = 0;

	*len = 0;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > TEXT_MAX)
		return NULL;
	text = calloc(1, (size_t)st.st_size + 1);
	while (text != NULL && *len < (size_t)st.st_size) {
		got = read(fd, text + *len, (size_t)st.st_size - *len);
		if (got <= 0)
			break;
		*len += (size_t)got;
	}
	return text;
}

static void
read_one(struct doors *doors, const char *path,
    void (*take)(void *arg, const struct doors_text *text), void *arg)
{
	struct doors_text text = { .path = path + strlen(doors->root) };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		if (errno == EACCES)
			doctor_hidden(doors->doctor, LEVEL_WARN);
		return;
	}
	text.text = read_text(fd, &text.len);
	(void)close(fd);
	if (text.text == NULL)
		return;
	doors->files++;
	take(arg, &text);
	free(text.text);
}

void
doors_each(struct doors *doors, const char *pattern,
    void (*take)(void *arg, const struct doors_text *text), void *arg)
{
	char whole[DOORS_PATH_MAX];
	glob_t list;

	if (!below_root(doors, pattern, whole, sizeof(whole)) ||
	    glob(whole, 0, NULL, &list) != 0)
		return;
	for (size_t i = 0; i < list.gl_pathc; i++)
		read_one(doors, list.gl_pathv[i], take, arg);
	globfree(&list);
}

unsigned int
doors_type(const struct doors *doors, const char *path)
{
	char whole[DOORS_PATH_MAX];
	struct stat st;

	if (!below_root(doors, path, whole, sizeof(whole)) ||
	    stat(whole, &st) != 0)
		return 0;
	return st.st_mode & S_IFMT;
}

bool
doors_any(const struct doors *doors, const char *pattern)
{
	char whole[DOORS_PATH_MAX];
	glob_t list;

	if (!below_root(doors, pattern, whole, sizeof(whole)) ||
	    glob(whole, GLOB_NOSORT, NULL, &list) != 0)
		return false;
	globfree(&list);
	return true;
}

/* ---- Lines and words ---- */

char *
doors_line(char **at, unsigned int *line)
{
	char *start = *at, *end = start;

	if (*start == '\0')
		return NULL;
	++*line;
	while ((end = strchrnul(end, '\n'))[0] == '\n' && end > start &&
	       end[-1] == '\\') {
		end[-1] = ' ';
		*end = ' ';
		++*line;
	}
	*at = *end == '\n' ? end + 1 : end;
	*end = '\0';
	return start;
}

char *
doors_word(char **at)
{
	char *word = *at + strspn(*at, " \t\r"), *end;

	if (*word == '\0')
		return NULL;
	if (*word == '"' || *word == '\'') {
		end = strchrnul(word + 1, *word);
		word++;
	} else {
		end = word + strcspn(word, " \t\r");
	}
	*at = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return word;
}

void
doors_guard(struct doors *doors, enum trap trap, const char *text,
    const char *file, unsigned int line)
{
	char detail[JP_TOKEN_PREFIX_MAX + sizeof("prefix ")];
	const char *prefix;

	if (guard_complete(text, &doors->doctor->settings->policy, &prefix))
		return;
	(void)snprintf(detail, sizeof(detail), "prefix %s", prefix);
	doors_trap(doors, trap, file, line, detail);
}

/* ---- Services of PAM ---- */

/* As libpam does: what is behind the last slash, in small letters. */
static void
fold_service(const char *service, char name[JP_PATH_MAX])
{
	const char *slash = strrchr(service, '/');
	size_t len = 0;

	service = slash != NULL ? slash + 1 : service;
	for (; service[len] != '\0' && len < JP_PATH_MAX - 1; len++)
		name[len] = (char)tolower((unsigned char)service[len]);
	name[len] = '\0';
}

const struct doors_stack *
doors_stack(const struct doors *doors, const char *service)
{
	char name[JP_PATH_MAX];

	fold_service(service, name);
	for (size_t i = 0; i < doors->stack_len; i++)
		if (strcmp(doors->stacks[i].service, name) == 0)
			return &doors->stacks[i];
	return NULL;
}

void
doors_opens(struct doors *doors, const char *service)
{
	const struct doors_stack *stack = doors_stack(doors, service);
	char shown[JP_SERVICE_MAX + DETAIL_MAX];

	if (stack == NULL)
		return;
	(void)snprintf(
	    shown, sizeof(shown), "%s (%s)", doors->door, stack->service);
	doctor_opens(doors->doctor, shown);
}

void
doors_service(struct doors *doors, const char *service, const char *file,
    unsigned int line)
{
	char name[JP_PATH_MAX], path[DOORS_PATH_MAX];

	fold_service(service, name);
	(void)snprintf(path, sizeof(path), "/etc/pam.d/%s", name);
	if (doors_type(doors, path) != S_IFREG)
		doors_trap(doors, TRAP_PAM_MISSING, file, line, name);
	doors_opens(doors, name);
}

/* ---- All doors ---- */

static const struct {
	const char *name;
	void (*check)(struct doors *doors);
} doors_table[] = {
	{ "pam", check_pam }, /* the services, which the others ask */
	{ "apache", check_apache },
	{ "nginx", check_nginx },
	{ "doors", check_pam_doors },
	{ "sasl", check_sasl },
	{ "tomcat", check_tomcat },
};

void
check_front_doors(struct doctor *doctor)
{
	struct doors doors = { .doctor = doctor, .root = doctor->root };

	for (size_t i = 0; i < sizeof(doors_table) / sizeof(doors_table[0]);
	     i++) {
		doors.door = doors_table[i].name;
		doors.files = doors.found = 0;
		doors_table[i].check(&doors);
		if (doors.found == 0 && doors.files > 0)
			report(doctor, LEVEL_OK, doors.door,
			    "%zu files, no known trap", doors.files);
	}
}
