#include "pat_httpd/fcgi_wire.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"

#define FCGI_VERSION_1 1
#define FCGI_KEEP_CONN 1 /* a flag of BEGIN_REQUEST */

enum record_type {
	FCGI_BEGIN_REQUEST = 1,
	FCGI_ABORT_REQUEST,
	FCGI_END_REQUEST,
	FCGI_PARAMS,
	FCGI_STDIN,
	FCGI_STDOUT,
	FCGI_STDERR,
	FCGI_DATA,
	FCGI_GET_VALUES,
	FCGI_GET_VALUES_RESULT,
	FCGI_UNKNOWN_TYPE,
	FCGI_TYPES,
};

enum protocol_status {
	FCGI_REQUEST_COMPLETE,
	FCGI_CANT_MPX_CONN,
	FCGI_OVERLOADED,
	FCGI_UNKNOWN_ROLE,
};

/* A type of record; each step may be missing, and then changes nothing. */
struct fcgi_record {
	/* The header is there. */
	enum fcgi_step (*begin)(struct fcgi_reader *reader);
	/* So is some of its content. */
	enum fcgi_step (*content)(
	    struct fcgi_reader *reader, const uint8_t *bytes, size_t len);
	/* The record has ended, padding and all. */
	enum fcgi_step (*end)(struct fcgi_reader *reader);
};

static const struct fcgi_name param_names[] = {
#define PARAM_NAME(code, name) FCGI_NAME(name),
	FCGI_PARAM_LIST(PARAM_NAME)
#undef PARAM_NAME
};

/* ---- the header of the record that is being read ---- */

static unsigned int
record_type(const struct fcgi_reader *reader)
{
	return reader->header[1];
}

static uint16_t
record_id(const struct fcgi_reader *reader)
{
	return (uint16_t)(reader->header[2] << 8 | reader->header[3]);
}

static size_t
record_len(const struct fcgi_reader *reader)
{
	return (size_t)reader->header[4] << 8 | reader->header[5];
}

static bool
of_open_request(const struct fcgi_reader *reader)
{
	return reader->open && record_id(reader) == reader->id;
}

/* What may come when the open request has ended, but not now. */
static enum fcgi_step
held(const struct fcgi_reader *reader)
{
	return reader->open && reader->asked ? FCGI_STEP_HOLD
	                                     : FCGI_STEP_BROKEN;
}

/* ---- records that are sent ---- */

static void
put_header(struct jp_buf *buf, enum record_type type, uint16_t id, size_t len)
{
	jp_buf_put_u8(buf, FCGI_VERSION_1);
	jp_buf_put_u8(buf, (uint8_t)type);
	jp_buf_put_u16(buf, id);
	jp_buf_put_u16(buf, (uint16_t)len);
	jp_buf_put_u16(buf, 0); /* no padding; reserved */
}

static void
put_end(struct jp_buf *buf, uint16_t id, enum protocol_status status)
{
	put_header(buf, FCGI_END_REQUEST, id, FCGI_BODY_LEN);
	jp_buf_put_u32(buf, 0); /* as the exit status of a CGI program */
	jp_buf_put_u8(buf, (uint8_t)status);
	jp_buf_put_raw(buf, "\0\0\0", 3);
}

size_t
fcgi_answer(uint8_t *bytes, uint16_t id, size_t len)
{
	struct jp_buf buf;
	size_t text_end = FCGI_HEADER_LEN + len;

	jp_buf_write(&buf, bytes, FCGI_HEADER_LEN);
	put_header(&buf, FCGI_STDOUT, id, len);
	jp_buf_write(&buf, bytes + text_end, FCGI_ANSWER_EXTRA);
	put_header(&buf, FCGI_STDOUT, id, 0);
	put_end(&buf, id, FCGI_REQUEST_COMPLETE);
	return text_end + buf.pos;
}

size_t
fcgi_end(uint8_t *bytes, uint16_t id)
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, FCGI_HEADER_LEN + FCGI_BODY_LEN);
	put_end(&buf, id, FCGI_REQUEST_COMPLETE);
	return buf.pos;
}

static enum fcgi_step
refuse(struct fcgi_reader *reader, enum protocol_status status, bool ends)
{
	struct jp_buf buf;

	jp_buf_write(&buf, reader->reply, sizeof(reader->reply));
	put_end(&buf, record_id(reader), status);
	reader->reply_len = buf.pos;
	reader->reply_ends = ends;
	if (ends)
		reader->whole = false;
	return FCGI_STEP_REPLY;
}

/* ---- content that is gathered or skipped ---- */

static enum fcgi_step
gather(struct fcgi_reader *reader, const uint8_t *bytes, size_t len)
{
	memcpy(reader->body + reader->body_len, bytes, len);
	reader->body_len += len;
	return FCGI_STEP_MORE;
}

/* What is skipped is bounded, too: what follows waits for the answer. */
static enum fcgi_step
skip_begin(struct fcgi_reader *reader)
{
	size_t len = FCGI_HEADER_LEN + reader->content_left;

	if (record_id(reader) == 0)
		return FCGI_STEP_BROKEN;
	if (len > FCGI_SKIPPED_MAX - reader->skipped)
		return held(reader);
	reader->skipped += len;
	return FCGI_STEP_MORE;
}

static enum fcgi_step
skip(struct fcgi_reader *reader, const uint8_t *bytes, size_t len)
{
	(void)reader;
	(void)bytes;
	(void)len;
	return FCGI_STEP_MORE;
}

/* ---- BEGIN_REQUEST ---- */

/* The same id again: it is a request of its own once this one has ended. */
static enum fcgi_step
begin_begin(struct fcgi_reader *reader)
{
	if (record_id(reader) == 0 || record_len(reader) != FCGI_BODY_LEN)
		return FCGI_STEP_BROKEN;
	if (!of_open_request(reader))
		return FCGI_STEP_MORE;
	return held(reader);
}

static void
open_request(struct fcgi_reader *reader, unsigned int role, bool keep_conn)
{
	reader->open = true;
	reader->id = record_id(reader);
	reader->role = (enum fcgi_role)role;
	reader->keep_conn = keep_conn;
	reader->asked = false;
	reader->whole = false;
	reader->skipped = 0;
	fcgi_pairs_start(&reader->pairs, param_names, FCGI_PARAM_COUNT,
	    reader->params, reader->text, sizeof(reader->text));
}

static enum fcgi_step
begin_end(struct fcgi_reader *reader)
{
	unsigned int role =
	    (unsigned int)reader->body[0] << 8 | reader->body[1];
	bool keep_conn = (reader->body[2] & FCGI_KEEP_CONN) != 0;

	if (reader->open)
		return refuse(reader, FCGI_CANT_MPX_CONN, false);
	if (role != FCGI_RESPONDER && role != FCGI_AUTHORIZER)
		return refuse(reader, FCGI_UNKNOWN_ROLE, !keep_conn);
	open_request(reader, role, keep_conn);
	return FCGI_STEP_MORE;
}

/* ---- PARAMS ---- */

static enum fcgi_step
params_begin(struct fcgi_reader *reader)
{
	if (!of_open_request(reader))
		return skip_begin(reader);
	return reader->asked ? FCGI_STEP_BROKEN : FCGI_STEP_MORE;
}

/* Those of a request that is not open, or has too many, are skipped. */
static enum fcgi_step
params_content(struct fcgi_reader *reader, const uint8_t *bytes, size_t len)
{
	if (!of_open_request(reader) || reader->asked ||
	    fcgi_pairs_read(&reader->pairs, bytes, len))
		return FCGI_STEP_MORE;
	reader->asked = true;
	return FCGI_STEP_TOO_LARGE;
}

static enum fcgi_step
params_end(struct fcgi_reader *reader)
{
	if (!of_open_request(reader) || record_len(reader) > 0)
		return FCGI_STEP_MORE;
	if (!fcgi_pairs_whole(&reader->pairs))
		return FCGI_STEP_BROKEN;
	reader->asked = true;
	reader->whole = reader->role == FCGI_AUTHORIZER; /* §6.3: no STDIN */
	return FCGI_STEP_ASK;
}

/* ---- STDIN, ABORT_REQUEST ---- */

static enum fcgi_step
stdin_end(struct fcgi_reader *reader)
{
	if (record_id(reader) == reader->id && record_len(reader) == 0)
		reader->whole = reader->asked;
	return FCGI_STEP_MORE;
}

static enum fcgi_step
abort_end(struct fcgi_reader *reader)
{
	if (!of_open_request(reader))
		return FCGI_STEP_MORE;
	reader->asked = true;
	return FCGI_STEP_ABORT;
}

/* ---- management records ---- */

static const struct fcgi_name value_names[FCGI_VALUES] = {
	[FCGI_MAX_CONNS] = FCGI_NAME("FCGI_MAX_CONNS"),
	[FCGI_MAX_REQS] = FCGI_NAME("FCGI_MAX_REQS"),
	[FCGI_MPXS_CONNS] = FCGI_NAME("FCGI_MPXS_CONNS"),
};

static enum fcgi_step
values_begin(struct fcgi_reader *reader)
{
	if (record_id(reader) != 0)
		return FCGI_STEP_BROKEN;
	fcgi_pairs_start(&reader->values, value_names, FCGI_VALUES,
	    reader->value_params, reader->values_text,
	    sizeof(reader->values_text));
	return FCGI_STEP_MORE;
}

static enum fcgi_step
values_content(struct fcgi_reader *reader, const uint8_t *bytes, size_t len)
{
	return fcgi_pairs_read(&reader->values, bytes, len) ? FCGI_STEP_MORE
	                                                    : FCGI_STEP_BROKEN;
}

static void
put_value(struct jp_buf *buf, const struct fcgi_name *name, unsigned int value)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", value);

	jp_buf_put_u8(buf, (uint8_t)name->len);
	jp_buf_put_u8(buf, (uint8_t)len);
	jp_buf_put_raw(buf, name->text, name->len);
	jp_buf_put_raw(buf, text, (size_t)len);
}

/* As many requests as connections: each has one at a time. */
static enum fcgi_step
values_end(struct fcgi_reader *reader)
{
	unsigned int values[FCGI_VALUES] = { reader->max_conns,
		reader->max_conns, 0 };
	struct jp_buf buf;

	if (!fcgi_pairs_whole(&reader->values))
		return FCGI_STEP_BROKEN;
	jp_buf_write(&buf, reader->reply + FCGI_HEADER_LEN,
	    sizeof(reader->reply) - FCGI_HEADER_LEN);
	for (size_t i = 0; i < FCGI_VALUES; i++)
		if (reader->value_params[i].count > 0)
			put_value(&buf, &value_names[i], values[i]);
	reader->reply_len = FCGI_HEADER_LEN + buf.pos;
	jp_buf_write(&buf, reader->reply, FCGI_HEADER_LEN);
	put_header(&buf, FCGI_GET_VALUES_RESULT, 0,
	    reader->reply_len - FCGI_HEADER_LEN);
	reader->reply_ends = false;
	return FCGI_STEP_REPLY;
}

/* Only management records may be of a type that is not known. */
static enum fcgi_step
unknown_begin(struct fcgi_reader *reader)
{
	return record_id(reader) == 0 ? FCGI_STEP_MORE : FCGI_STEP_BROKEN;
}

static enum fcgi_step
unknown_end(struct fcgi_reader *reader)
{
	struct jp_buf buf;

	jp_buf_write(&buf, reader->reply, sizeof(reader->reply));
	put_header(&buf, FCGI_UNKNOWN_TYPE, 0, FCGI_BODY_LEN);
	jp_buf_put_u8(&buf, (uint8_t)record_type(reader));
	jp_buf_put_raw(&buf, "\0\0\0\0\0\0\0", 7);
	reader->reply_len = buf.pos;
	reader->reply_ends = false;
	return FCGI_STEP_REPLY;
}

/* ---- records ---- */

static enum fcgi_step
nothing(struct fcgi_reader *reader)
{
	(void)reader;
	return FCGI_STEP_MORE;
}

/* Those without a row are for the web server to receive. */
static const struct fcgi_record records[FCGI_TYPES] = {
	[FCGI_BEGIN_REQUEST] = { begin_begin, gather, begin_end },
	[FCGI_ABORT_REQUEST] = { skip_begin, skip, abort_end },
	[FCGI_PARAMS] = { params_begin, params_content, params_end },
	[FCGI_STDIN] = { skip_begin, skip, stdin_end },
	[FCGI_DATA] = { skip_begin, skip, nothing },
	[FCGI_GET_VALUES] = { values_begin, values_content, values_end },
};
static const struct fcgi_record unknown_record = { unknown_begin, skip,
	unknown_end };

void
fcgi_reader_start(struct fcgi_reader *reader, unsigned int max_conns)
{
	memset(reader, 0, offsetof(struct fcgi_reader, text));
	reader->max_conns = max_conns;
}

void
fcgi_reader_end(struct fcgi_reader *reader)
{
	explicit_bzero(reader->text, reader->pairs.text_len);
	reader->pairs.text_len = 0;
	reader->open = false;
}

bool
fcgi_reader_idle(const struct fcgi_reader *reader)
{
	return !reader->open && reader->record == NULL &&
	       reader->header_len == 0;
}

static enum fcgi_step
begin_record(struct fcgi_reader *reader)
{
	const struct fcgi_record *record = record_type(reader) < FCGI_TYPES
	                                       ? &records[record_type(reader)]
	                                       : &unknown_record;
	enum fcgi_step step = FCGI_STEP_BROKEN;

	reader->content_left = record_len(reader);
	reader->padding_left = reader->header[6];
	reader->body_len = 0;
	if (reader->header[0] == FCGI_VERSION_1 && record->begin != NULL)
		step = record->begin(reader);
	if (step == FCGI_STEP_MORE)
		reader->record = record;
	return step;
}

static enum fcgi_step
end_record(struct fcgi_reader *reader)
{
	const struct fcgi_record *record = reader->record;

	reader->record = NULL;
	reader->header_len = 0;
	return record->end(reader);
}

/* ---- bytes ---- */

/* How many of `len` bytes complete what lacks `left`. */
static size_t
at_most(size_t len, size_t left)
{
	return len < left ? len : left;
}

/* Takes what is there of the part of the record that is due. */
static enum fcgi_step
take(struct fcgi_reader *reader, const uint8_t *bytes, size_t len, size_t *used)
{
	if (reader->record == NULL) {
		*used = at_most(len, FCGI_HEADER_LEN - reader->header_len);
		memcpy(reader->header + reader->header_len, bytes, *used);
		reader->header_len += *used;
	} else if (reader->content_left > 0) {
		*used = at_most(len, reader->content_left);
		reader->content_left -= *used;
		return reader->record->content(reader, bytes, *used);
	} else {
		*used = at_most(len, reader->padding_left);
		reader->padding_left -= *used;
	}
	return FCGI_STEP_MORE;
}

/* What follows from it, without another byte. */
static enum fcgi_step
settle(struct fcgi_reader *reader)
{
	enum fcgi_step step = FCGI_STEP_MORE;

	if (reader->record == NULL && reader->header_len == FCGI_HEADER_LEN)
		step = begin_record(reader);
	if (step == FCGI_STEP_MORE && reader->record != NULL &&
	    reader->content_left == 0 && reader->padding_left == 0)
		step = end_record(reader);
	return step;
}

enum fcgi_step
fcgi_reader_step(
    struct fcgi_reader *reader, const uint8_t *bytes, size_t len, size_t *used)
{
	size_t taken = 0;
	enum fcgi_step step = settle(reader);

	for (*used = 0; step == FCGI_STEP_MORE && *used < len; *used += taken) {
		step = take(reader, bytes + *used, len - *used, &taken);
		if (step == FCGI_STEP_MORE)
			step = settle(reader);
	}
	return step;
}
