/*
 * pat-admin test: the whole decision about one token, with its reason, at one
 * service or at each that the configuration knows. The token comes on standard
 * input, where no other user can see it.
 */
#include "tools/commands/commands.h"

#include <stdio.h>
#include <string.h>

#include "common/wire/verdict.h"
#include "tools/cli/output.h"
#include "tools/cli/secret_input.h"
#include "tools/cli/session.h"

enum {
	PLACES_MAX = JP_RULES_MAX + JP_SERVICES_MAX + 1,
};

static struct test_args {
	struct jp_admin_request request;
	bool one_service; /* --service is given */
	bool exact, read;
} args;

static enum jp_err
take_service(void *arg, char *value, struct jp_why *why)
{
	struct jp_request *question =
	    &((struct test_args *)arg)->request.question;
	enum jp_err err =
	    jp_text_check("--service", value, JP_SERVICE_MAX, why);

	((struct test_args *)arg)->one_service = true;
	return err != JP_ERR_OK ? err
	                        : jp_field_set(question->service,
	                              sizeof(question->service), value);
}

static enum jp_err
take_from(void *arg, char *value, struct jp_why *why)
{
	struct jp_request *question =
	    &((struct test_args *)arg)->request.question;

	if (!jp_address_valid(value))
		return jp_why(why, JP_ERR_INVALID,
		    "--from: expected an IPv4 or IPv6 address");
	return jp_field_set(question->rhost, sizeof(question->rhost), value);
}

static const struct cmd_option options[] = {
	CMD_CALL("--service", "SERVICE", "as if this PAM or SASL service asked",
	    take_service),
	CMD_CALL(
	    "--from", "IP", "as if the request came from there", take_from),
	CMD_FLAG("--read", "as if the request only read, as pat-httpd can tell",
	    struct test_args, read),
	CMD_FLAG("--exact", "every byte up to the end of input is the token",
	    struct test_args, exact),
};

static enum jp_err
read_token(struct jp_secret *secret, struct jp_why *why)
{
	static const struct secret_input input = { "Token: ", "token" };
	bool ended = false;
	enum jp_err err;

	if (args.exact)
		return secret_read_exact(&input, secret, why);
	err = secret_read_line(&input, secret, &ended, why);
	if (ended)
		(void)fprintf(stderr,
		    "The line end behind the token is left out; --exact tests "
		    "what a front door would get with it.\n");
	return err;
}

/* ---- the questions ---- */

/* One service that is asked for, and the answer. */
struct place {
	const char *service; /* "": one that no section names */
	enum jp_reason reason;
};

struct test {
	struct context *context;
	struct session session;
	enum jp_reason reason; /* of the last question */
	struct jp_record record;
	size_t len;
	struct place places[PLACES_MAX];
	struct jp_why why;
};

static enum jp_err
keep(void *arg, const struct jp_admin_item *item)
{
	struct test *test = arg;

	if (item->kind == JP_ITEM_RECORD) {
		test->record = item->record;
		return JP_ERR_OK;
	}
	if (item->kind != JP_ITEM_DECISION)
		return JP_ERR_PROTOCOL;
	test->reason = item->reason;
	memcpy(test->record.id, item->record.id, sizeof(test->record.id));
	return JP_ERR_OK;
}

static enum jp_err
ask(struct test *test, const char *service)
{
	struct jp_request *question = &args.request.question;
	enum jp_err err =
	    jp_field_set(question->service, sizeof(question->service), service);

	args.request.op = JP_ADMIN_TEST;
	test->reason = (enum jp_reason)JP_REASON_COUNT;
	if (err == JP_ERR_OK)
		err = session_run(
		    &test->session, &args.request, keep, test, &test->why);
	if (err == JP_ERR_OK && test->reason == (enum jp_reason)JP_REASON_COUNT)
		err = jp_why(
		    &test->why, JP_ERR_PROTOCOL, "patd sent no decision");
	return err;
}

/* The services that the token itself names are worth a question. */
static enum jp_err
read_record(struct test *test)
{
	struct jp_admin_request request = { .op = JP_ADMIN_SHOW };

	memcpy(request.record.id, test->record.id, sizeof(request.record.id));
	return session_run(&test->session, &request, keep, test, &test->why);
}

/* Whether another service might get another answer. */
static bool
hangs_on_service(enum jp_reason reason)
{
	return reason == JP_REASON_SERVICE || reason == JP_REASON_SCOPE ||
	       reason == JP_REASON_GROUP || reason == JP_REASON_GROUP_SOURCE ||
	       reason == JP_REASON_UPSTREAM || reason == JP_REASON_ACCEPTED;
}

static void
add_place(struct test *test, const char *service)
{
	for (size_t i = 0; i < test->len; i++)
		if (strcmp(test->places[i].service, service) == 0)
			return;
	test->places[test->len++].service = service;
}

/* The service by which the token names this section itself, or NULL. */
static const char *
own_service(const struct test *test, const struct jp_rule *rule)
{
	const struct jp_policy *policy = &test->context->settings.policy;
	const struct jp_record *record = &test->record;

	for (size_t i = 0; i < record->service_len; i++)
		if (jp_policy_rule(policy, record->services[i]) == rule)
			return record->services[i];
	return NULL;
}

/*
 * Each section by its glob, which stands for a service of that name; where the
 * token names services itself, by those. Then what no section names.
 */
static void
choose_places(struct test *test)
{
	const struct jp_policy *policy = &test->context->settings.policy;
	const struct jp_record *record = &test->record;

	for (size_t i = 0; i < policy->rule_len; i++) {
		const struct jp_rule *rule = &policy->rules[i];

		if (jp_policy_rule(policy, rule->glob) == rule &&
		    own_service(test, rule) == NULL)
			add_place(test, rule->glob);
	}
	for (size_t i = 0; i < record->service_len; i++)
		add_place(test, record->services[i]);
	if (jp_policy_rule(policy, "") == NULL)
		add_place(test, "");
}

static enum jp_err
ask_everywhere(struct test *test)
{
	enum jp_err err = read_record(test);

	if (err != JP_ERR_OK)
		return err;
	choose_places(test);
	for (size_t i = 0; i < test->len && err == JP_ERR_OK; i++) {
		err = ask(test, test->places[i].service);
		test->places[i].reason = test->reason;
	}
	return err;
}

static enum jp_err
ask_all(struct test *test, enum jp_reason *reason)
{
	char service[JP_SERVICE_MAX + 1];
	enum jp_err err;

	memcpy(service, args.request.question.service, sizeof(service));
	err = session_open(&test->session, test->context, &test->why);
	if (err != JP_ERR_OK)
		return err;
	err = ask(test, service);
	*reason = test->reason;
	if (err == JP_ERR_OK && !args.one_service && hangs_on_service(*reason))
		err = ask_everywhere(test);
	session_close(&test->session);
	return err;
}

/* ---- the answer ---- */

/* Accepted if some service accepts it; undecided if one could not tell. */
static enum jp_reason
overall(const struct test *test, enum jp_reason reason)
{
	for (size_t i = 0; i < test->len; i++)
		if (jp_reason_verdict(test->places[i].reason) == JP_UNAVAILABLE)
			return test->places[i].reason;
	for (size_t i = 0; i < test->len; i++)
		if (test->places[i].reason == JP_REASON_ACCEPTED)
			return JP_REASON_ACCEPTED;
	return reason;
}

static bool
is_same_everywhere(const struct test *test)
{
	for (size_t i = 1; i < test->len; i++)
		if (test->places[i].reason != test->places[0].reason)
			return false;
	return true;
}

static const char *
place_name(const struct place *place)
{
	return place->service[0] != '\0' ? place->service : "other services";
}

/* "accepted at a, b; refused at c: scope": the places of one answer a part. */
static void
print_places(const struct test *test)
{
	static const char *const words[] = {
		[JP_DENY] = "refused",
		[JP_UNAVAILABLE] = "undecided",
		[JP_ACCEPT] = "accepted",
	};
	bool printed[PLACES_MAX] = { false };
	const char *part = "";

	for (size_t i = 0; i < test->len; i++) {
		enum jp_reason reason = test->places[i].reason;
		const char *comma = "";

		if (printed[i])
			continue;
		(void)printf(
		    "%s%s at ", part, words[jp_reason_verdict(reason)]);
		for (size_t j = i; j < test->len; j++) {
			if (test->places[j].reason != reason)
				continue;
			(void)printf(
			    "%s%s", comma, place_name(&test->places[j]));
			printed[j] = true;
			comma = ", ";
		}
		if (reason != JP_REASON_ACCEPTED)
			(void)printf(": %s", jp_reason_name(reason));
		part = "; ";
	}
	(void)putchar('\n');
}

static void
print_text(const struct test *test, enum jp_reason reason)
{
	const char *name = jp_verdict_name(jp_reason_verdict(reason));

	if (!is_same_everywhere(test))
		print_places(test);
	else if (reason == JP_REASON_ACCEPTED)
		(void)printf("%s\n", name);
	else
		(void)printf("%s: %s\n", name, jp_reason_name(reason));
}

static json_t *
json_answer(enum jp_reason reason)
{
	return json_pack("{s:s,s:s,s:s}", "verdict",
	    jp_verdict_name(jp_reason_verdict(reason)), "reason",
	    jp_reason_name(reason), "text", jp_reason_text(reason));
}

static enum jp_err
print_json(const struct test *test, enum jp_reason reason)
{
	json_t *json = json_answer(reason), *list = json_array();

	(void)json_object_set_new(json, "id", json_string(test->record.id));
	for (size_t i = 0; i < test->len; i++) {
		const struct place *place = &test->places[i];
		json_t *one = json_answer(place->reason);

		(void)json_object_set_new(one, "service",
		    place->service[0] != '\0' ? json_string(place->service)
		                              : json_null());
		(void)json_array_append_new(list, one);
	}
	(void)json_object_set_new(json, "services", list);
	return output_json(json);
}

static enum status
verdict_status(enum jp_verdict verdict)
{
	switch (verdict) {
	case JP_DENY:
	case JP_MAY: /* it is no answer about a token */
		return STATUS_NO;
	case JP_UNAVAILABLE:
		return STATUS_UNAVAILABLE;
	case JP_ACCEPT:
		return STATUS_DONE;
	}
	return STATUS_UNAVAILABLE;
}

static enum status
run(struct context *context)
{
	static struct test test;
	struct jp_secret *token = &args.request.question.token;
	enum jp_reason reason = JP_REASON_SHAPE;
	enum jp_err err = read_token(token, &test.why);

	test.context = context;
	args.request.question.front = JP_FRONT_ADMIN;
	args.request.question.detailed =
	    args.read; /* only that has an access */
	args.request.question.access =
	    args.read ? JP_ACCESS_READ : JP_ACCESS_WRITE;
	if (err == JP_ERR_OK)
		err = ask_all(&test, &reason);
	else if (err == JP_ERR_TOO_LONG && args.exact)
		err = JP_ERR_OK; /* no door takes it, and none can ask */
	jp_secret_clear(token);
	if (err == JP_ERR_OK) {
		reason = overall(&test, reason);
		if (context->json)
			err = print_json(&test, reason);
		else
			print_text(&test, reason);
	}
	return err == JP_ERR_OK ? verdict_status(jp_reason_verdict(reason))
	                        : context_fail(context, err, &test.why);
}

const struct command cmd_test = {
	.name = "test",
	.synopsis = "USER [OPTION]...",
	.help = "say whether the token on standard input is accepted",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 1,
	.word = CMD_USER(
	    "USER", NULL, NULL, struct test_args, request.question.user),
	.args = &args,
	.prints = true,
	.only_reads = true,
	.run = run,
};
