/*
 * Speaks the protocol of admin.sock as a local user who wrote a client of
 * their own, and so says what pat-admin never would:
 *
 *     admin_ask SOCKET UID[:GID]
 *
 * reads requests, one on each line: the number of the operation, the id and
 * the user ("-": none), then what else there is, as FIELD=NUMBER or, of those
 * in `texts`, FIELD=TEXT. The id may be longer than one. For each it prints a
 * line for each item, "item KIND ID USER EXPIRES SCOPES TOKEN", then "end ERROR
 * REFUSAL WHY", or "closed" where patd hung up; what is empty is "-".
 */
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/admin/wire.h"
#include "common/wire/client.h"

enum {
	ID_AT = JP_MAGIC_LEN + 1, /* of its length in a request */
	LINE = 1024,
	WAIT_MS = 60000,
};

static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
	{ "expires_at", offsetof(struct jp_admin_request, expires_at) },
	{ "expiring", offsetof(struct jp_admin_request, expiring) },
	{ "dead_for", offsetof(struct jp_admin_request, dead_for) },
	{ "unused", offsetof(struct jp_admin_request, unused) },
	{ "grace", offsetof(struct jp_admin_request, grace) },
};

static const struct {
	const char *name;
	size_t offset, size;
} texts[] = {
#define TEXT(name, member)                                                     \
	{                                                                      \
		name, offsetof(struct jp_admin_request, member),               \
		    sizeof(((struct jp_admin_request *)NULL)->member)          \
	}
	TEXT("behalf", behalf.user),
	TEXT("token", behalf.token),
	TEXT("address", behalf.address),
	TEXT("parent", record.parent),
	TEXT("group", record.owner_group),
	TEXT("name", record.name),
};

static void
die(const char *what)
{
	(void)fprintf(stderr, "admin_ask: %s\n", what);
	exit(1);
}

static void
become(const char *text)
{
	const char *colon = strchr(text, ':');
	uid_t uid = (uid_t)atoi(text);
	gid_t gid = colon != NULL ? (gid_t)atoi(colon + 1) : (gid_t)uid;

	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		die("cannot become another user");
}

/* False: it is no text. */
static bool
set_text(struct jp_admin_request *request, const char *word)
{
	struct jp_record *record = &request->record;
	size_t len = strcspn(word, "=");
	const char *value = word[len] == '=' ? word + len + 1 : "";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strncmp(texts[i].name, word, len) == 0 &&
		    texts[i].name[len] == '\0') {
			if (jp_field_set((char *)request + texts[i].offset,
			        texts[i].size, value) != JP_ERR_OK)
				die("too long");
			return true;
		}
	if (strncmp(word, "scope=", 6) == 0 && record->scope_len < 16) {
		(void)jp_field_set(record->scopes[record->scope_len++],
		    sizeof(record->scopes[0]), value);
		return true;
	}
	return false;
}

static void
set_field(struct jp_admin_request *request, const char *word)
{
	size_t len = strcspn(word, "=");
	int64_t value =
	    word[len] == '=' ? strtoll(word + len + 1, NULL, 10) : 0;

	if (set_text(request, word))
		return;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strncmp(numbers[i].name, word, len) == 0)
			memcpy((char *)request + numbers[i].offset, &value,
			    sizeof(value));
	if (strncmp(word, "expires_at", len) == 0)
		request->lifetime = JP_LIFETIME_UNTIL;
	if (strncmp(word, "dry_run", len) == 0)
		request->dry_run = value != 0;
	if (strncmp(word, "staff", len) == 0)
		request->behalf.staff = value != 0;
	if (strncmp(word, "all", len) == 0)
		request->all = value != 0;
	if (strncmp(word, "lives", len) == 0) {
		request->lifetime = JP_LIFETIME_UNTIL;
		request->expires_at = time(NULL) + value;
	}
}

/* Puts the id in, which may not fit into the structure. */
static size_t
splice(uint8_t *bytes, size_t len, const char *id)
{
	size_t more = strlen(id);

	memmove(bytes + ID_AT + 2 + more, bytes + ID_AT + 2, len - ID_AT - 2);
	memcpy(bytes + ID_AT + 2, id, more);
	bytes[ID_AT] = 0;
	bytes[ID_AT + 1] = (uint8_t)more;
	return len + more;
}

static size_t
make_request(char *line, uint8_t *bytes)
{
	struct jp_admin_request request = { 0 };
	char *word = strtok(line, " \n"), *id;
	size_t len;

	request.op = (enum jp_admin_op)atoi(word != NULL ? word : "0");
	id = strtok(NULL, " \n");
	word = strtok(NULL, " \n");
	if (id == NULL || word == NULL || strlen(id) > UINT8_MAX)
		die("a line without id or user");
	if (strcmp(word, "-") != 0)
		(void)jp_field_set(
		    request.record.user, sizeof(request.record.user), word);
	while ((word = strtok(NULL, " \n")) != NULL)
		set_field(&request, word);
	if (jp_admin_request_encode(&request, bytes, &len) != JP_ERR_OK)
		die("cannot encode");
	return strcmp(id, "-") != 0 ? splice(bytes, len, id) : len;
}

static void
print_item(const struct jp_admin_item *item)
{
	const struct jp_record *record = &item->record;

	(void)printf("item %d %s %s %lld ", (int)item->kind, record->id,
	    record->user, (long long)record->expires_at);
	for (size_t i = 0; i < record->scope_len; i++)
		(void)printf("%s%s", i > 0 ? "," : "", record->scopes[i]);
	(void)printf("%s %s\n", record->scope_len == 0 ? "-" : "",
	    item->token.len > 0 ? item->token.text : "-");
}

/* Prints one answer; false: it was the last. */
static bool
print_answer(const uint8_t *bytes, size_t len)
{
	struct jp_admin_item item;
	enum jp_err result = JP_ERR_OK;
	struct jp_why why = { .text = "" };
	bool end;

	if (jp_admin_answer_decode(bytes, len, &end, &item, &result, &why) !=
	    JP_ERR_OK)
		die("cannot read the answer");
	if (end)
		(void)printf("end %s %s %s\n", jp_err_name(result),
		    why.refusal == JP_REFUSAL_NONE ? "-"
		                                   : jp_refusal_id(why.refusal),
		    why.text);
	else
		print_item(&item);
	return !end;
}

/* False: patd hung up. */
static bool
ask(int fd, const uint8_t *request, size_t len)
{
	uint8_t answer[JP_ADMIN_MSG_MAX];
	bool more = send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len;
	ssize_t got = 0;

	while (more &&
	       jp_wait_fd(fd, POLLIN, jp_now_ms() + WAIT_MS) == JP_ERR_OK) {
		got = recv(fd, answer, sizeof(answer), 0);
		more = got > 0 && print_answer(answer, (size_t)got);
	}
	if (got <= 0)
		(void)printf("closed\n");
	return got > 0;
}

int
main(int argc, char **argv)
{
	uint8_t request[JP_ADMIN_MSG_MAX];
	char line[LINE];
	int fd = -1;

	if (argc != 3)
		die("usage: admin_ask SOCKET UID[:GID]");
	become(argv[2]);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		size_t len = make_request(line, request);

		if (fd < 0 && jp_client_connect(argv[1], jp_now_ms() + WAIT_MS,
		                  &fd) != JP_ERR_OK)
			die("cannot connect");
		if (!ask(fd, request, len)) {
			(void)close(fd);
			fd = -1;
		}
		(void)fflush(stdout);
	}
	return 0;
}
