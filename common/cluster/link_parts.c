/* What follows a message in parts: cut up, and put together again. */
#include <stdlib.h>
#include <string.h>

#include "common/cluster/link.h"

_Static_assert(JP_LINK_PART_MAX + JP_MAGIC_LEN + 1 <= JP_LINK_MSG_MAX,
    "a part must fit into a message");

/* The kinds with bytes, and where they say how many; the others have 0. */
static const size_t length_at[JP_LINK_KINDS] = {
	[JP_LINK_APPEND] = offsetof(struct jp_link_msg, append.len),
	[JP_LINK_BATCH] = offsetof(struct jp_link_msg, batch.len),
	[JP_LINK_SNAPSHOT_PUT] = offsetof(struct jp_link_msg, snapshot.len),
	[JP_LINK_SNAPSHOT] = offsetof(struct jp_link_msg, snapshot.len),
};

size_t
jp_link_bytes_of(const struct jp_link_msg *msg)
{
	size_t at = length_at[msg->kind];
	uint32_t len = 0;

	if (at != 0)
		memcpy(&len, (const uint8_t *)msg + at, sizeof(len));
	return len;
}

/* One message, encoded on the way. */
static enum jp_err
send_one(
    const struct jp_link_msg *msg, uint8_t *room, jp_link_take take, void *arg)
{
	size_t len;
	enum jp_err err = jp_link_encode(msg, room, &len);

	return err == JP_ERR_OK ? take(arg, room, len) : err;
}

enum jp_err
jp_link_send(const struct jp_link_msg *msg, const uint8_t *bytes,
    jp_link_take take, void *arg)
{
	uint8_t room[JP_LINK_MSG_MAX];
	size_t len = jp_link_bytes_of(msg);
	enum jp_err err = send_one(msg, room, take, arg);

	for (size_t at = 0; err == JP_ERR_OK && at < len;) {
		struct jp_link_part part = { .bytes = bytes + at,
			.len = len - at < JP_LINK_PART_MAX ? len - at
			                                   : JP_LINK_PART_MAX };
		struct jp_link_msg next = { .kind = JP_LINK_PART,
			.part = part };

		err = send_one(&next, room, take, arg);
		at += part.len;
	}
	return err;
}

void
jp_link_reader_init(struct jp_link_reader *reader, enum jp_link_side sender)
{
	*reader = (struct jp_link_reader){ .sender = sender };
}

/* A message that is not the next part of what has begun. */
static enum jp_err
begin(struct jp_link_reader *reader, const struct jp_link_msg *msg)
{
	if (reader->wanted > 0 || msg->kind == JP_LINK_PART)
		return JP_ERR_PROTOCOL;
	reader->msg = *msg;
	reader->len = 0;
	reader->wanted = jp_link_bytes_of(msg);
	return JP_ERR_OK;
}

/* Not realloc(3): what it leaves behind would not be cleared. */
static enum jp_err
make_room(struct jp_link_reader *reader, size_t more)
{
	size_t need_cap = reader->len + more;
	size_t cap = reader->cap * 2 > need_cap ? reader->cap * 2 : need_cap;
	uint8_t *bytes;

	if (reader->cap >= need_cap)
		return JP_ERR_OK;
	bytes = malloc(cap);
	if (bytes == NULL)
		return JP_ERR_NOMEM;
	if (reader->len > 0)
		memcpy(bytes, reader->bytes, reader->len);
	if (reader->bytes != NULL)
		explicit_bzero(reader->bytes, reader->cap);
	free(reader->bytes);
	reader->bytes = bytes;
	reader->cap = cap;
	return JP_ERR_OK;
}

/* All parts but the last are full: there is one way to send what follows. */
static enum jp_err
add(struct jp_link_reader *reader, const struct jp_link_part *part)
{
	enum jp_err err;

	if (part->len > reader->wanted ||
	    (part->len < reader->wanted && part->len != JP_LINK_PART_MAX))
		return JP_ERR_PROTOCOL;
	err = make_room(reader, part->len);
	if (err != JP_ERR_OK)
		return err;
	memcpy(reader->bytes + reader->len, part->bytes, part->len);
	reader->len += part->len;
	reader->wanted -= part->len;
	return JP_ERR_OK;
}

enum jp_err
jp_link_reader_feed(
    struct jp_link_reader *reader, const uint8_t *bytes, size_t len)
{
	struct jp_link_msg msg;
	enum jp_err err = jp_link_decode(&msg, reader->sender, bytes, len);

	if (err == JP_ERR_OK)
		err = msg.kind == JP_LINK_PART && reader->wanted > 0
		          ? add(reader, &msg.part)
		          : begin(reader, &msg);
	if (err != JP_ERR_OK)
		return err;
	return reader->wanted > 0 ? JP_ERR_BUSY : JP_ERR_OK;
}

void
jp_link_reader_free(struct jp_link_reader *reader)
{
	if (reader->bytes != NULL)
		explicit_bzero(reader->bytes, reader->cap);
	free(reader->bytes);
	jp_link_reader_init(reader, reader->sender);
}
