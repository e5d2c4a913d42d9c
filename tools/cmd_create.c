/*
 * pat-admin create: one new token. Its text leaves this process once, on
 * standard output; a token that nobody got is revoked again.
 */
#include "tools/commands.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/when.h"
#include "tools/create_batch.h"
#include "tools/output.h"
#include "tools/session.h"

static struct create_args {
	struct jp_admin_request request;
	bool bearer;
	struct batch batch;
} args;

/* What came back. */
struct created {
	bool done;
	struct jp_record record;
	struct jp_secret token;
	struct jp_secret bearer; /* base64 of user:token */
};

_Static_assert(sodium_base64_ENCODED_LEN(JP_USER_MAX + 1 + 64,
                   sodium_base64_VARIANT_ORIGINAL) <= JP_SECRET_MAX,
    "user and token do not fit");

static enum jp_err
take_user(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;
	enum jp_err err = jp_user_check(value, why);

	return err != JP_ERR_OK
	           ? err
	           : jp_field_set(record->user, sizeof(record->user), value);
}

static enum jp_err
take_name(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;
	enum jp_err err = jp_text_check("--name", value, JP_NAME_MAX, why);

	return err != JP_ERR_OK
	           ? err
	           : jp_field_set(record->name, sizeof(record->name), value);
}

static enum jp_err
take_expires(void *arg, char *value, struct jp_why *why)
{
	struct jp_admin_request *request =
	    &((struct create_args *)arg)->request;
	int64_t now = jp_clock_now(&jp_system_clock);
	enum jp_err err = jp_when_parse(value, now, &request->expires_at);

	if (err != JP_ERR_OK)
		return jp_why(why, err,
		    "--expires: expected a duration such as 90d, a date such "
		    "as 2027-01-31 or 2027-01-31T12:00:00Z, or never");
	request->lifetime = request->expires_at == JP_NEVER ? JP_LIFETIME_NEVER
	                                                    : JP_LIFETIME_UNTIL;
	return JP_ERR_OK;
}

/* Takes one more of a list of texts. */
static enum jp_err
take_more(const char *option, const char *value, char *fields, size_t size,
    size_t most, size_t *len, struct jp_why *why)
{
	enum jp_err err = jp_text_check(option, value, size - 1, why);

	if (err != JP_ERR_OK)
		return err;
	if (value[0] == '\0')
		return jp_why(
		    why, JP_ERR_INVALID, "%s: the value is empty", option);
	if (*len == most)
		return jp_why(why, JP_ERR_TOO_LONG, "%s: more than %zu of them",
		    option, most);
	return jp_field_set(fields + size * (*len)++, size, value);
}

static enum jp_err
take_scope(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;

	if (strpbrk(value, " ,") != NULL)
		return jp_why(why, JP_ERR_INVALID,
		    "--scope: a scope is one word: give --scope again for "
		    "another");
	return take_more("--scope", value, record->scopes[0],
	    sizeof(record->scopes[0]), JP_SCOPES_MAX, &record->scope_len, why);
}

static enum jp_err
take_service(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;

	return take_more("--service", value, record->services[0],
	    sizeof(record->services[0]), JP_SERVICES_MAX, &record->service_len,
	    why);
}

static enum jp_err
take_from(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;
	struct jp_why detail = { .text = "" };
	struct jp_net net;
	enum jp_err err = jp_net_parse(value, &net, &detail);

	if (err != JP_ERR_OK)
		return jp_why(why, err, "--from: %s",
		    detail.text[0] != '\0' ? detail.text : jp_err_text(err));
	if (record->net_len == JP_NETS_MAX)
		return jp_why(why, JP_ERR_TOO_LONG,
		    "--from: more than %d of them", JP_NETS_MAX);
	record->nets[record->net_len++] = net;
	return JP_ERR_OK;
}

static enum jp_err
take_bearer(void *arg, char *value, struct jp_why *why)
{
	(void)value;
	(void)why;
	((struct create_args *)arg)->bearer = true;
	return JP_ERR_OK;
}

static enum jp_err
take_batch(void *arg, char *value, struct jp_why *why)
{
	(void)why;
	((struct create_args *)arg)->batch.from = value;
	return JP_ERR_OK;
}

static enum jp_err
take_output(void *arg, char *value, struct jp_why *why)
{
	(void)why;
	((struct create_args *)arg)->batch.to = value;
	return JP_ERR_OK;
}

static const struct cmd_option options[] = {
	{ "--name", "NAME", "what it is for, as `list` shows it", take_name },
	{ "--expires", "WHEN", "90d, 2027-01-31, 2027-01-31T12:00:00Z, never",
	    take_expires },
	{ "--scope", "SCOPE", "holds this scope, and none but those given",
	    take_scope },
	{ "--service", "GLOB",
	    "serves these services, and none but those given", take_service },
	{ "--from", "CIDR", "comes from there, and from nowhere else",
	    take_from },
	{ "--bearer", NULL, "print base64(USER:TOKEN) on a second line",
	    take_bearer },
	{ "--batch", "FILE", "a token for each row of FILE, a CSV file",
	    take_batch },
	{ "--output", "FILE", "with --batch: the new file for the tokens",
	    take_output },
};

static enum jp_err
keep(void *arg, const struct jp_admin_item *item)
{
	struct created *created = arg;

	if (item->kind != JP_ITEM_TOKEN)
		return JP_ERR_PROTOCOL;
	created->done = true;
	created->record = item->record;
	return jp_secret_set(
	    &created->token, item->token.text, item->token.len);
}

static void
make_bearer(struct created *created)
{
	struct jp_secret plain = { .len = 0 };

	plain.len = (size_t)snprintf(plain.text, sizeof(plain.text), "%s:%s",
	    created->record.user, created->token.text);
	(void)sodium_bin2base64(created->bearer.text,
	    sizeof(created->bearer.text), (unsigned char *)plain.text,
	    plain.len, sodium_base64_VARIANT_ORIGINAL);
	created->bearer.len = strlen(created->bearer.text);
	jp_secret_clear(&plain);
}

static enum jp_err
print_json(const struct created *created)
{
	const struct jp_record *record = &created->record;
	json_t *json = json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s}", "id",
	    record->id, "user", record->user, "name", record->name,
	    "created_at", json_time(record->created_at), "expires_at",
	    json_time(record->expires_at), "scopes", json_scopes(record),
	    "services", json_services(record), "networks",
	    json_networks(record), "token", created->token.text);

	if (created->bearer.len > 0)
		(void)json_object_set_new(
		    json, "bearer", json_string(created->bearer.text));
	return json_print(json);
}

static enum jp_err
print_created(const struct context *context, const struct created *created,
    struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	if (context->json)
		err = print_json(created);
	else
		(void)printf("%s\n", created->token.text);
	if (!context->json && created->bearer.len > 0)
		(void)printf("%s\n", created->bearer.text);
	if (err == JP_ERR_OK)
		return output_end(why);
	return jp_why(
	    why, err, "cannot write the answer: %s", jp_err_text(err));
}

static enum jp_err
ignore(void *arg, const struct jp_admin_item *item)
{
	(void)arg;
	(void)item;
	return JP_ERR_OK;
}

static enum jp_err
revoke_lost(struct session *session, const char *id, struct jp_why *why)
{
	static struct jp_admin_request request = { .op = JP_ADMIN_REVOKE };

	(void)jp_field_set(request.record.id, sizeof(request.record.id), id);
	(void)jp_field_set(request.record.revoked_why,
	    sizeof(request.record.revoked_why),
	    "its text could not be written");
	return session_run(session, &request, ignore, NULL, why);
}

/* Its text is lost, so nobody shall be able to use it. */
static void
take_back(struct session *session, const char *id, struct jp_why *why)
{
	struct jp_why again = { .text = "" }, first = *why;
	enum jp_err err = revoke_lost(session, id, &again);

	if (err == JP_ERR_OK)
		(void)jp_why(why, err, "%.200s: token %s was revoked again",
		    first.text, id);
	else
		(void)jp_why(why, err,
		    "%.200s: token %s was made, and is not revoked (%.200s): "
		    "revoke it",
		    first.text, id, again.text);
}

static void
tell(const struct created *created)
{
	char expires[JP_WHEN_TEXT_MAX];

	jp_when_format(created->record.expires_at, expires);
	(void)fprintf(stderr,
	    "Token %s of %s, expires: %s. It is shown only this once.\n",
	    created->record.id, created->record.user, expires);
}

static enum jp_err
create(struct context *context, struct session *session,
    struct created *created, struct jp_why *why)
{
	enum jp_err err =
	    session_run(session, &args.request, keep, created, why);

	if (err == JP_ERR_OK && !created->done)
		return jp_why(why, JP_ERR_PROTOCOL, "patd sent no token");
	if (err != JP_ERR_OK)
		return err;
	if (args.bearer)
		make_bearer(created);
	err = print_created(context, created, why);
	if (err != JP_ERR_OK)
		take_back(session, created->record.id, why);
	else
		tell(created);
	return err;
}

static enum jp_err
take_back_silently(struct session *session, const char *id)
{
	struct jp_why ignored = { .text = "" };

	return revoke_lost(session, id, &ignored);
}

/* Either a user, or a file of them. */
static enum jp_err
check_args(struct jp_why *why)
{
	const struct batch *batch = &args.batch;
	bool user = args.request.record.user[0] != '\0';

	if ((batch->from != NULL) != (batch->to != NULL))
		return jp_why(
		    why, JP_ERR_INVALID, "--batch and --output come together");
	if (batch->from != NULL && (user || args.bearer))
		return jp_why(why, JP_ERR_INVALID,
		    "--batch takes user and options from its file");
	if (batch->from == NULL && !user)
		return jp_why(
		    why, JP_ERR_INVALID, "an argument is missing: name a user");
	return JP_ERR_OK;
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct created created = { .done = false };
	struct session session;
	enum jp_err err;

	err = check_args(&why);
	if (err != JP_ERR_OK)
		return fail(context, err, &why);
	if (args.batch.from != NULL) {
		args.batch.command = context->command;
		args.batch.take_user = take_user;
		args.batch.request = &args.request;
		args.batch.take_back = take_back_silently;
		return create_batch(context, &args.batch);
	}
	args.request.op = JP_ADMIN_CREATE;
	err = session_open(&session, context, &why);
	if (err == JP_ERR_OK) {
		err = create(context, &session, &created, &why);
		session_close(&session);
	}
	jp_secret_clear(&created.token);
	jp_secret_clear(&created.bearer);
	return err == JP_ERR_OK ? STATUS_DONE : fail(context, err, &why);
}

const struct command cmd_create = {
	.name = "create",
	.synopsis = "USER|--batch FILE [OPTION]...",
	.help = "make a token for USER and print it",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 0,
	.words_max = 1,
	.take_word = take_user,
	.args = &args,
	.prints = true,
	.run = run,
};
