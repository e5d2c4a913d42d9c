/*
 * FastCGI of a web server: whatever the pieces in which it comes, the reader
 * says and keeps the same; what it keeps are texts; what it replies are
 * records. Each request is answered at once, or when the reader holds.
 */
#include "pat_httpd/fcgi_wire.h"
#include "tests/fuzz/fuzz.h"

/* All that a run has to say, mixed into one number. */
static uint64_t
mix(uint64_t seen, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		seen = (seen ^ at[i]) * 1099511628211U;
	return seen;
}

static uint64_t
look_at_params(uint64_t seen, const struct fcgi_reader *reader)
{
	for (size_t i = 0; i < FCGI_PARAM_COUNT; i++) {
		const struct fcgi_param *param = &reader->params[i];

		FUZZ_ASSERT((param->value != NULL) == (param->count > 0));
		seen = mix(seen, &param->count, sizeof(param->count));
		seen = mix(seen, &param->odd, sizeof(param->odd));
		if (param->value == NULL)
			continue;
		FUZZ_ASSERT(
		    param->value >= reader->text &&
		    param->value < reader->text + reader->pairs.text_len);
		seen = mix(seen, param->value, strlen(param->value));
	}
	return seen;
}

static uint64_t
look_at_reply(uint64_t seen, const struct fcgi_reader *reader)
{
	size_t len = reader->reply_len;

	FUZZ_ASSERT(len >= FCGI_HEADER_LEN && len <= FCGI_REPLY_MAX);
	FUZZ_ASSERT(reader->reply[0] == 1);
	FUZZ_ASSERT(
	    reader->reply[4] == 0 && reader->reply[5] == len - FCGI_HEADER_LEN);
	return mix(seen, reader->reply, len);
}

/* True: there is nothing more to be read. */
static bool
look(uint64_t *seen, struct fcgi_reader *reader, enum fcgi_step step)
{
	if (step == FCGI_STEP_MORE)
		return false;
	*seen = mix(*seen, &step, sizeof(step));
	switch (step) {
	case FCGI_STEP_ASK:
		FUZZ_ASSERT(reader->open && reader->id != 0);
		FUZZ_ASSERT(fcgi_pairs_whole(&reader->pairs));
		*seen = look_at_params(*seen, reader);
		/* An odd id is answered when the reader holds. */
		if (reader->id % 2 == 0)
			fcgi_reader_end(reader);
		break;
	case FCGI_STEP_TOO_LARGE:
	case FCGI_STEP_ABORT:
	case FCGI_STEP_HOLD:
		FUZZ_ASSERT(reader->open);
		fcgi_reader_end(reader);
		break;
	case FCGI_STEP_REPLY:
		*seen = look_at_reply(*seen, reader);
		break;
	case FCGI_STEP_MORE:
	case FCGI_STEP_BROKEN:
		break;
	}
	return step == FCGI_STEP_BROKEN;
}

/* Memory of just the piece, for what looks behind it. */
static enum fcgi_step
read_piece(
    struct fcgi_reader *reader, const uint8_t *data, size_t size, size_t *used)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);
	enum fcgi_step step;

	FUZZ_ASSERT(exact != NULL);
	memcpy(exact, data, size);
	step = fcgi_reader_step(reader, exact, size, used);
	FUZZ_ASSERT(*used <= size);
	FUZZ_ASSERT(step != FCGI_STEP_MORE || *used == size);
	free(exact);
	return step;
}

static uint64_t
read_all(const uint8_t *data, size_t size, size_t piece)
{
	static struct fcgi_reader reader;
	uint64_t seen = 14695981039346656037U;
	size_t at = 0, used;
	enum fcgi_step step = FCGI_STEP_MORE;

	memset(reader.text, 0xa5, sizeof(reader.text));
	fcgi_reader_start(&reader, 1024);
	while (at < size || step != FCGI_STEP_MORE) {
		step = read_piece(&reader, data + at,
		    piece < size - at ? piece : size - at, &used);
		at += used;
		if (look(&seen, &reader, step))
			break;
	}
	return seen;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t seen = read_all(data, size, size + 1);

	FUZZ_ASSERT(read_all(data, size, 1 + size % 7) == seen);
	FUZZ_ASSERT(read_all(data, size, 64) == seen);
	return 0;
}
