/*
 * The bytes of a record: version u8, then user, count u8; of each: service,
 * kind u8, set_at i64, set_by, key name (16 raw), sealed (bytes); strings and
 * integers as common/base/buf.h says.
 */
#include "common/record/upstream.h"

#include <string.h>

const char *
jp_upstream_kind_name(enum jp_upstream_kind kind)
{
	static const char *const names[JP_UPSTREAM_KIND_COUNT] = {
#define JP_UPSTREAM_KIND_ROW(code, number, name) [number] = (name),
		JP_UPSTREAM_KIND_LIST(JP_UPSTREAM_KIND_ROW)
#undef JP_UPSTREAM_KIND_ROW
	};

	return (unsigned int)kind < JP_UPSTREAM_KIND_COUNT ? names[kind]
	                                                   : "unknown";
}

void
jp_upstream_put(struct jp_buf *buf, const struct jp_upstream *upstream)
{
	jp_buf_put_str(buf, upstream->service);
	jp_buf_put_u8(buf, (uint8_t)upstream->kind);
	jp_buf_put_i64(buf, upstream->set_at);
	jp_buf_put_str(buf, upstream->set_by);
	jp_buf_put_raw(buf, upstream->key_name, sizeof(upstream->key_name));
}

void
jp_upstream_get(struct jp_buf *buf, struct jp_upstream *upstream)
{
	memset(upstream, 0, sizeof(*upstream));
	jp_buf_get_str(buf, upstream->service, sizeof(upstream->service));
	upstream->kind =
	    (enum jp_upstream_kind)jp_buf_get_enum(buf, JP_UPSTREAM_KIND_COUNT);
	upstream->set_at = jp_buf_get_i64(buf);
	jp_buf_get_str(buf, upstream->set_by, sizeof(upstream->set_by));
	jp_buf_get_raw(buf, upstream->key_name, sizeof(upstream->key_name));
}

static void
put_one(struct jp_buf *buf, const struct jp_upstream *upstream)
{
	jp_upstream_put(buf, upstream);
	jp_buf_put_u16(buf, (uint16_t)upstream->sealed_len);
	jp_buf_put_raw(buf, upstream->sealed, upstream->sealed_len);
}

static void
get_one(struct jp_buf *buf, struct jp_upstream *upstream)
{
	jp_upstream_get(buf, upstream);
	upstream->sealed_len = jp_buf_get_u16(buf);
	if (upstream->sealed_len <= JP_UPSTREAM_SEAL_LEN ||
	    upstream->sealed_len > sizeof(upstream->sealed))
		jp_buf_fail(buf, JP_ERR_INVALID);
	else
		jp_buf_get_raw(buf, upstream->sealed, upstream->sealed_len);
}

enum jp_err
jp_upstreams_encode(const struct jp_upstreams *all, uint8_t *bytes, size_t *len)
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_UPSTREAM_RECORD_MAX);
	jp_buf_put_u8(&buf, JP_UPSTREAM_VERSION);
	jp_buf_put_str(&buf, all->user);
	jp_buf_put_u8(&buf, (uint8_t)all->len);
	for (size_t i = 0; i < all->len; i++)
		put_one(&buf, &all->of[i]);
	*len = buf.pos;
	return buf.err;
}

/* A record has a user and at least one, and their order is theirs alone. */
static void
get_all(struct jp_buf *buf, struct jp_upstreams *all)
{
	jp_buf_get_str(buf, all->user, sizeof(all->user));
	all->len = jp_buf_get_enum(buf, JP_UPSTREAMS_MAX + 1);
	if (all->user[0] == '\0' || all->len == 0)
		jp_buf_fail(buf, JP_ERR_INVALID);
	for (size_t i = 0; i < all->len && buf->err == JP_ERR_OK; i++) {
		get_one(buf, &all->of[i]);
		if (i > 0 &&
		    strcmp(all->of[i - 1].service, all->of[i].service) >= 0)
			jp_buf_fail(buf, JP_ERR_INVALID);
	}
}

enum jp_err
jp_upstreams_decode(struct jp_upstreams *all, const uint8_t *bytes, size_t len)
{
	struct jp_buf buf;
	uint8_t version;

	memset(all, 0, sizeof(*all));
	if (len > JP_UPSTREAM_RECORD_MAX)
		return JP_ERR_DAMAGED;
	jp_buf_read(&buf, bytes, len);
	version = jp_buf_get_u8(&buf);
	if (version == JP_UPSTREAM_VERSION) {
		get_all(&buf, all);
		if (jp_buf_end(&buf) == JP_ERR_OK)
			return JP_ERR_OK;
		memset(all, 0, sizeof(*all));
	}
	return version > JP_UPSTREAM_VERSION ? JP_ERR_NEWER : JP_ERR_DAMAGED;
}

/* How many services come before this one. */
static size_t
place_of(const struct jp_upstreams *all, const char *service)
{
	size_t at = 0;

	while (at < all->len && strcmp(all->of[at].service, service) < 0)
		at++;
	return at;
}

struct jp_upstream *
jp_upstreams_exact(struct jp_upstreams *all, const char *service)
{
	size_t at = place_of(all, service);

	return at < all->len && strcmp(all->of[at].service, service) == 0
	           ? &all->of[at]
	           : NULL;
}

struct jp_upstream *
jp_upstreams_for(struct jp_upstreams *all, const char *service)
{
	struct jp_upstream *own = jp_upstreams_exact(all, service);

	return own != NULL ? own : jp_upstreams_exact(all, "");
}

enum jp_err
jp_upstreams_set(struct jp_upstreams *all, const struct jp_upstream *upstream)
{
	size_t at = place_of(all, upstream->service);

	if (jp_upstreams_exact(all, upstream->service) == NULL) {
		if (all->len == JP_UPSTREAMS_MAX)
			return JP_ERR_TOO_LONG;
		memmove(&all->of[at + 1], &all->of[at],
		    (all->len - at) * sizeof(all->of[0]));
		all->len++;
	}
	all->of[at] = *upstream;
	return JP_ERR_OK;
}

bool
jp_upstreams_remove(struct jp_upstreams *all, const char *service)
{
	struct jp_upstream *one = jp_upstreams_exact(all, service);
	size_t at;

	if (one == NULL)
		return false;
	at = (size_t)(one - all->of);
	all->len--;
	memmove(one, one + 1, (all->len - at) * sizeof(all->of[0]));
	memset(&all->of[all->len], 0, sizeof(all->of[0]));
	return true;
}
