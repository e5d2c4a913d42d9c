/*
 * The bodies of the REST interface, and what it answers: a wish that is
 * accepted can be sent to patd; an item of patd becomes JSON, without hash and
 * tag.
 */
#include "common/admin/wire.h"
#include "pat_httpd/self/rest_json.h"
#include "tests/fuzz/fuzz.h"

/* Large, and one at a time: not on the stack. */
static struct jp_admin_request request, sent;
static struct jp_admin_item item;
static uint8_t bytes[JP_ADMIN_MSG_MAX];

static void
send(enum jp_admin_op op)
{
	struct jp_why why = { .text = "" };
	size_t len;

	request.op = op;
	FUZZ_ASSERT(
	    jp_admin_request_encode(&request, bytes, &len) == JP_ERR_OK);
	FUZZ_ASSERT(
	    jp_admin_request_decode(&sent, bytes, len, &why) == JP_ERR_OK);
	FUZZ_ASSERT(sent.expires_at == request.expires_at);
}

static void
refuse(enum rest_error error)
{
	char *body =
	    rest_error_body(rest_error_id(error), rest_error_text(error));

	FUZZ_ASSERT(rest_error_status(error) >= 400);
	FUZZ_ASSERT(body != NULL);
	fuzz_hides(body);
	free(body);
}

static void
read_wish(const uint8_t *data, size_t size, uint8_t kind)
{
	const struct rest_terms terms = { .now = 1800000000,
		.longest = (kind & 2) != 0 ? 86400 : JP_NEVER,
		.self = (kind & 4) != 0 ? "0aZ9bY8c" : "" };
	json_t *body =
	    json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	enum rest_error error;

	memset(&request, 0, sizeof(request));
	if ((kind & 1) != 0)
		error = rest_read_rotation(body, &request);
	else
		error = rest_read_token(body, &terms, &request);
	if (error != REST_NONE)
		refuse(error);
	else
		send((kind & 1) != 0 ? JP_ADMIN_ROTATE : JP_ADMIN_CREATE);
	json_decref(body);
}

static void
show_item(const uint8_t *data, size_t size)
{
	struct rest_list list = { .first_id = "0aZ9bY8c" };
	enum jp_err result = JP_ERR_OK;
	struct jp_why why = { .text = "" };
	char *text;
	size_t len;
	bool end;

	if (size > JP_ADMIN_MSG_MAX || jp_admin_answer_decode(data, size, &end,
	                                   &item, &result, &why) != JP_ERR_OK)
		return;
	if (end) {
		(void)rest_error_of(result, &why);
		return;
	}
	if (item.kind != JP_ITEM_RECORD && item.kind != JP_ITEM_TOKEN)
		return;
	FUZZ_ASSERT(rest_list_add(&list, &item) == JP_ERR_OK);
	FUZZ_ASSERT(rest_list_add(&list, &item) == JP_ERR_OK);
	text = rest_list_take(&list, &len);
	FUZZ_ASSERT(text != NULL && strlen(text) == len);
	FUZZ_ASSERT(strstr(text, "$argon2id$") == NULL);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] < 8)
		read_wish(data + 1, size - 1, data[0]);
	else
		show_item(data + 1, size - 1);
	return 0;
}
