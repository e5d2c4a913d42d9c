/*
 * The configuration of other servers, as pat-admin check reads it, in a tree of
 * files that the input holds:
 *
 *     == PATH     a file; the lines up to the next such line are in it
 *     =d PATH     a folder
 *     =s PATH     a socket
 *     =x PATH     a file that may not be read
 *
 * All readers see it. They end; what they say are lines of text, and the same
 * as JSON, about lines that are there; no token is in it; a second look finds
 * the same.
 */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.h"
#include "tests/fuzz/script.h"
#include "tools/doctor/doctor.h"

#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

/* In front of a host, in the corpus. */
#define LOGIN "bob:hunter2"

enum {
	NODES_MAX = 64,
	FIRST_FD = 20000,
	OPEN_MAX_HERE = 64, /* files that include others */
};

/* ---- the tree ---- */

static struct tree {
	struct node {
		const char *path;
		char kind; /* as above */
		struct script_text text;
	} nodes[NODES_MAX];
	size_t len;
	size_t open[OPEN_MAX_HERE], at[OPEN_MAX_HERE]; /* by descriptor */
	size_t open_len;
} * tree; /* NULL: the files are the machine's */

static const struct node *
find_node(const char *path)
{
	for (size_t i = 0; i < tree->len; i++)
		if (strcmp(tree->nodes[i].path, path) == 0)
			return &tree->nodes[i];
	return NULL;
}

FUZZ_WRAP(int, glob, const char *pattern, int flags,
    int (*on_error)(const char *path, int errnum), glob_t *list)
{
	if (tree == NULL)
		return __real_glob(pattern, flags, on_error, list);
	*list = (glob_t){ .gl_pathv = calloc(NODES_MAX, sizeof(char *)) };
	FUZZ_ASSERT(list->gl_pathv != NULL);
	for (size_t i = 0; i < tree->len; i++)
		if (fnmatch(pattern, tree->nodes[i].path,
		        FNM_PATHNAME | FNM_PERIOD) == 0)
			list->gl_pathv[list->gl_pathc++] =
			    (char *)(uintptr_t)tree->nodes[i].path;
	if (list->gl_pathc > 0)
		return 0;
	free(list->gl_pathv);
	return GLOB_NOMATCH;
}

FUZZ_WRAP(void, globfree, glob_t *list)
{
	if (tree == NULL)
		__real_globfree(list);
	else
		free(list->gl_pathv);
}

static mode_t
mode_of(const struct node *node)
{
	return node->kind == 'd'   ? S_IFDIR | 0755
	       : node->kind == 's' ? S_IFSOCK | 0666
	                           : S_IFREG | 0644;
}

FUZZ_WRAP(int, stat, const char *path, struct stat *st)
{
	const struct node *node;

	if (tree == NULL)
		return __real_stat(path, st);
	node = find_node(path);
	errno = ENOENT;
	memset(st, 0, sizeof(*st));
	if (node != NULL)
		st->st_mode = mode_of(node);
	return node != NULL ? 0 : -1;
}

FUZZ_WRAP(int, open, const char *path, int flags, ...)
{
	const struct node *node;

	if (tree == NULL)
		return __real_open(path, flags);
	node = find_node(path);
	if (node == NULL || node->kind == 'x' || node->kind == 's') {
		errno = node == NULL ? ENOENT : EACCES;
		return -1;
	}
	FUZZ_ASSERT(tree->open_len < OPEN_MAX_HERE);
	tree->open[tree->open_len] = (size_t)(node - tree->nodes);
	tree->at[tree->open_len] = 0;
	return FIRST_FD + (int)tree->open_len++;
}

FUZZ_WRAP(int, fstat, int fd, struct stat *st)
{
	const struct node *node;

	if (tree == NULL)
		return __real_fstat(fd, st);
	node = &tree->nodes[tree->open[fd - FIRST_FD]];
	memset(st, 0, sizeof(*st));
	st->st_mode = mode_of(node);
	st->st_size = (off_t)node->text.len;
	return 0;
}

/* In pieces. */
FUZZ_WRAP(ssize_t, read, int fd, void *room, size_t size)
{
	const struct node *node;
	size_t *at, left;

	if (tree == NULL)
		return __real_read(fd, room, size);
	node = &tree->nodes[tree->open[fd - FIRST_FD]];
	at = &tree->at[fd - FIRST_FD];
	left = node->text.len - *at;
	size = left < size ? left : size;
	size = size > 4096 ? 4096 : size;
	memcpy(room, node->text.text + *at, size);
	*at += size;
	return (ssize_t)size;
}

/* The one that was opened last. */
FUZZ_WRAP(int, close, int fd)
{
	if (tree == NULL)
		return __real_close(fd);
	tree->open_len--;
	FUZZ_ASSERT(fd == FIRST_FD + (int)tree->open_len);
	return 0;
}

/* ---- what the input says ---- */

static bool
is_head(const struct script_text *line)
{
	return line->len > 4 && line->text[0] == '=' && line->text[2] == ' ' &&
	       line->text[3] == '/' && strchr("=dsx", line->text[1]) != NULL;
}

/* The lines of a file lie behind each other in the input, still. */
static void
add_line(struct node *node, const struct script_text *line)
{
	if (node->text.text == NULL)
		node->text = *line;
	else
		node->text.len += line->len + 1;
	node->text.text[node->text.len] = '\n';
}

static void
close_text(struct node *node)
{
	static char none[] = "";

	if (node->text.text == NULL)
		node->text.text = none;
	else
		node->text.len++;
}

static void
plant(struct script *script)
{
	struct node *node = NULL;

	while (!script_over(script)) {
		struct script_text line = script_line(script);

		if (!is_head(&line)) {
			if (node != NULL)
				add_line(node, &line);
			continue;
		}
		if (tree->len == NODES_MAX)
			break;
		node = &tree->nodes[tree->len++];
		node->path = line.text + 3;
		node->kind = line.text[1];
	}
	for (size_t i = 0; i < tree->len; i++)
		close_text(&tree->nodes[i]);
}

/* ---- a look at it ---- */

/* What one look says. */
struct said {
	char *text;
	size_t len;
};

static void
configure(struct context *context)
{
	struct jp_settings *settings = &context->settings;

	jp_settings_default(settings);
	settings->self.trusted_peers.len = 1;
	(void)strcpy(settings->self.trusted_peers.names[0], "www-data");
	settings->mux.len = 1;
	(void)strcpy(settings->mux.at[0], "/run/saslauthd/mux");
}

static struct said
look(bool json)
{
	static struct context context;
	struct doctor doctor = { .context = &context,
		.settings = &context.settings,
		.root = "",
		.patd = true };
	FILE *own = stdout;
	struct said said = { NULL, 0 };

	if (context.settings.mux.len == 0)
		configure(&context);
	context.json = json;
	stdout = open_memstream(&said.text, &said.len);
	FUZZ_ASSERT(stdout != NULL);
	doctor_servers(&doctor);
	doctor_hidden(&doctor);
	doctor_doors(&doctor);
	if (json)
		(void)puts("]");
	FUZZ_ASSERT(fclose(stdout) == 0);
	stdout = own;
	FUZZ_ASSERT(tree->open_len == 0);
	return said;
}

static size_t
check_text(const struct said *said)
{
	size_t lines = 0;

	FUZZ_ASSERT(strstr(said->text, TOKEN) == NULL);
	FUZZ_ASSERT(strstr(said->text, "://" LOGIN "@") == NULL);
	FUZZ_ASSERT(jp_utf8_valid(said->text, said->len));
	for (size_t i = 0; i < said->len; i++) {
		unsigned char c = (unsigned char)said->text[i];

		FUZZ_ASSERT(c == '\n' || (c >= ' ' && c != 0x7f));
		lines += c == '\n';
	}
	return lines;
}

static size_t
count_lines(const struct script_text *text)
{
	size_t lines = 1;

	for (size_t i = 0; i < text->len; i++)
		lines += text->text[i] == '\n';
	return lines;
}

/* Of a name that has to be escaped nothing is known. */
static void
check_place(const json_t *finding)
{
	const char *file = json_string_value(json_object_get(finding, "file"));
	json_int_t line = json_integer_value(json_object_get(finding, "line"));
	const struct node *node = file != NULL ? find_node(file) : NULL;
	size_t lines = 0;

	if (node == NULL)
		return;
	for (size_t i = 0; i < tree->len; i++)
		if (strcmp(tree->nodes[i].path, file) == 0 &&
		    count_lines(&tree->nodes[i].text) > lines)
			lines = count_lines(&tree->nodes[i].text);
	FUZZ_ASSERT(line >= 0 && (size_t)line <= lines);
}

static size_t
check_json(const struct said *said)
{
	json_t *list = json_loads(said->text, JSON_REJECT_DUPLICATES, NULL);
	size_t len = json_array_size(list), i;
	const json_t *finding;

	FUZZ_ASSERT(json_is_array(list));
	FUZZ_ASSERT(strstr(said->text, TOKEN) == NULL);
	json_array_foreach(list, i, finding)
	{
		FUZZ_ASSERT(json_is_string(json_object_get(finding, "level")));
		check_place(finding);
	}
	json_decref(list);
	return len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tree one = { .len = 0 };
	struct script script = script_begin(data, size);
	struct said text, json;

	tree = &one;
	plant(&script);
	text = look(false);
	(void)check_text(&text);
	if (size % 4 == 0) { /* a second look costs as much as the first */
		json = look(true);
		FUZZ_ASSERT(check_json(&json) == check_text(&text));
		free(json.text);
	}
	free(text.text);
	tree = NULL;
	script_end(&script);
	return 0;
}
