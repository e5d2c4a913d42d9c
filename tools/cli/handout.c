#include "tools/cli/handout.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/sys/time_text.h"
#include "tools/cli/output.h"
#include "tools/cli/rights.h"
#include "tools/formats/json_values.h"

_Static_assert(sodium_base64_ENCODED_LEN(JP_USER_MAX + 1 + 64,
                   sodium_base64_VARIANT_ORIGINAL) <= JP_SECRET_MAX,
    "user and token do not fit");

/* Where the page hands out what the code behind it is for. */
#define LINK_PATH "/link/"

enum jp_err
handout_link(const struct context *context, const struct jp_secret *code,
    struct jp_secret *link)
{
	struct jp_secret whole = { .len = 0 };
	int len = snprintf(whole.text, sizeof(whole.text), "%s" LINK_PATH "%s",
	    context->settings.self.url, code->text);
	enum jp_err err = len < 0 || (size_t)len >= sizeof(whole.text)
	                      ? JP_ERR_TOO_LONG
	                      : jp_secret_set(link, whole.text, (size_t)len);

	jp_secret_clear(&whole);
	return err;
}

static enum jp_err
keep(void *arg, const struct jp_admin_item *item)
{
	struct handout *handout = arg;

	if (item->kind == JP_ITEM_RECORD && handout->done) {
		handout->old = item->record;
		handout->rotated = true;
		return JP_ERR_OK;
	}
	if (item->kind != JP_ITEM_TOKEN && item->kind != JP_ITEM_LINK)
		return JP_ERR_PROTOCOL;
	handout->done = true;
	handout->is_link = item->kind == JP_ITEM_LINK;
	handout->record = item->record;
	return jp_secret_set(
	    &handout->token, item->token.text, item->token.len);
}

static void
make_bearer(struct handout *handout)
{
	struct jp_secret plain = { .len = 0 };

	plain.len = (size_t)snprintf(plain.text, sizeof(plain.text), "%s:%s",
	    handout->record.user, handout->token.text);
	(void)sodium_bin2base64(handout->bearer.text,
	    sizeof(handout->bearer.text), (unsigned char *)plain.text,
	    plain.len, sodium_base64_VARIANT_ORIGINAL);
	handout->bearer.len = strlen(handout->bearer.text);
	jp_secret_clear(&plain);
}

static enum jp_err
print_json(const struct handout *handout)
{
	const struct jp_record *record = &handout->record;
	json_t *json = json_pack("{s:s,s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:s,"
	                         "s:o,s:s}",
	    "id", record->id, "number", json_number(record), "user",
	    record->user, "name", record->name, "created_at",
	    json_time(record->created_at), "expires_at",
	    json_time(record->expires_at), "scopes", json_scopes(record),
	    "services", json_services(record), "networks",
	    json_networks(record), "parent", record->parent, "owner_group",
	    record->owner_group, "uses_max",
	    json_uses_of(record, record->uses_max),
	    handout->is_link ? "link" : "token", handout->token.text);

	if (handout->is_link)
		(void)json_object_set_new(
		    json, "link_until", json_time(record->claim_until));

	if (handout->bearer.len > 0)
		(void)json_object_set_new(
		    json, "bearer", json_string(handout->bearer.text));
	if (handout->rotated) {
		(void)json_object_set_new(
		    json, "rotated", json_string(handout->old.id));
		(void)json_object_set_new(
		    json, "grace_until", json_time(handout->old.grace_until));
		(void)json_object_set_new(json, "keep_until_grace",
		    json_boolean(handout->old.keep_until_grace));
	}
	return output_json(json);
}

static enum jp_err
print_token(const struct context *context, const struct handout *handout,
    struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	if (context->json)
		err = print_json(handout);
	else
		(void)printf("%s\n", handout->token.text);
	if (!context->json && handout->bearer.len > 0)
		(void)printf("%s\n", handout->bearer.text);
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

enum jp_err
handout_revoke(struct session *session, const char *id, struct jp_why *why)
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
	enum jp_err err = handout_revoke(session, id, &again);

	if (err == JP_ERR_OK)
		(void)jp_why(why, err, "%.200s: token %s was revoked again",
		    first.text, id);
	else
		(void)jp_why(why, err,
		    "%.200s: token %s was created, and is not revoked "
		    "(%.200s): "
		    "revoke it",
		    first.text, id, again.text);
}

/* To people: what to do with it. */
static void
tell_link(const struct jp_record *record)
{
	char when[JP_WHEN_TEXT_MAX];

	jp_when_format(record->claim_until, when);
	(void)fprintf(stderr,
	    "Token %s waits for %s, who opens this link, signed in, before "
	    "%s. It works once, for nobody else.\n",
	    record->id, record->user, when);
}

static void
tell(const struct handout *handout)
{
	char when[JP_WHEN_TEXT_MAX];

	if (handout->is_link) {
		tell_link(&handout->record);
		return;
	}
	jp_when_format(handout->record.expires_at, when);
	(void)fprintf(stderr,
	    "Token %s of %s, expires: %s. It is shown only this once.\n",
	    handout->record.id, handout->record.user, when);
	if (!handout->rotated)
		return;
	jp_when_format(jp_record_end(&handout->old), when);
	(void)fprintf(stderr, "Token %s ends at %s%s.\n", handout->old.id, when,
	    handout->old.keep_until_grace
	        ? ""
	        : ", or when the new one is first used");
}

static enum jp_err
hand_over(struct context *context, struct session *session,
    const struct jp_admin_request *request, struct handout *handout,
    struct jp_why *why)
{
	enum jp_err err = session_run(session, request, keep, handout, why);

	if (err == JP_ERR_OK && !handout->done)
		return jp_why(why, JP_ERR_PROTOCOL, "patd sent no token");
	if (err != JP_ERR_OK)
		return err;
	if (handout->bearer_wanted)
		make_bearer(handout);
	if (handout->is_link)
		err = handout_link(context, &handout->token, &handout->token);
	if (err == JP_ERR_OK)
		err = print_token(context, handout, why);
	if (err != JP_ERR_OK)
		take_back(session, handout->record.id, why);
	else
		tell(handout);
	if (err == JP_ERR_OK)
		warn_rights(&context->settings.policy, &handout->record, "");
	return err;
}

enum status
handout_run(struct context *context, const struct jp_admin_request *request,
    struct handout *handout)
{
	struct jp_why why = { .text = "" };
	struct session session;
	enum jp_err err = session_open(&session, context, &why);

	if (err == JP_ERR_OK) {
		err = hand_over(context, &session, request, handout, &why);
		session_close(&session);
	}
	jp_secret_clear(&handout->token);
	jp_secret_clear(&handout->bearer);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}
