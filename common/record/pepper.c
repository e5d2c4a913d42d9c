#include "common/record/pepper.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(JP_FAST_TAG_LEN >= crypto_generichash_BYTES_MIN &&
                   JP_PEPPER_NAME_LEN >= crypto_generichash_BYTES_MIN,
    "BLAKE2b makes no tag that short");

static enum jp_err
file_why(struct jp_why *why, const char *path, const char *what)
{
	int errnum = errno;

	return jp_why(why, jp_err_from_errno(errnum),
	    "cannot %s the pepper file %s: %s", what, path, strerror(errnum));
}

enum jp_err
jp_pepper_create(const char *path, struct jp_why *why)
{
	uint8_t key[JP_PEPPER_LEN];
	enum jp_err err = JP_ERR_OK;
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);

	if (fd < 0)
		return file_why(why, path, "make");
	randombytes_buf(key, sizeof(key));
	if (write(fd, key, sizeof(key)) != (ssize_t)sizeof(key) ||
	    fchmod(fd, 0400) != 0 || fsync(fd) != 0) {
		err = file_why(why, path, "write");
		(void)unlink(path);
	}
	sodium_memzero(key, sizeof(key));
	(void)close(fd);
	return err;
}

static enum jp_err
check_file(const char *path, const struct stat *st, struct jp_why *why)
{
	if (!S_ISREG(st->st_mode) || st->st_size != JP_PEPPER_LEN)
		return jp_why(why, JP_ERR_CONFIG,
		    "the pepper file %s is not a regular file of %d bytes: "
		    "put the right one back from a backup",
		    path, JP_PEPPER_LEN);
	if ((st->st_mode & 077) != 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "others may open the pepper file %s (mode %03o): chmod "
		    "0400 "
		    "%s",
		    path, (unsigned int)(st->st_mode & 0777), path);
	return JP_ERR_OK;
}

enum jp_err
jp_pepper_load(const char *path, struct jp_pepper *pepper, struct jp_why *why)
{
	struct stat st;
	enum jp_err err;
	/* O_NONBLOCK: whoever put a FIFO there shall not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return file_why(why, path, "open");
	if (fstat(fd, &st) != 0)
		err = file_why(why, path, "stat");
	else
		err = check_file(path, &st, why);
	if (err == JP_ERR_OK && read(fd, pepper->key, sizeof(pepper->key)) !=
	                            (ssize_t)sizeof(pepper->key))
		err = file_why(why, path, "read");
	(void)close(fd);
	if (err != JP_ERR_OK)
		jp_pepper_clear(pepper);
	return err;
}

void
jp_pepper_clear(struct jp_pepper *pepper)
{
	sodium_memzero(pepper, sizeof(*pepper));
}

static void
keyed_hash(const struct jp_pepper *pepper, const char *domain,
    const char *first, size_t first_len, const char *second, size_t second_len,
    uint8_t *tag, size_t tag_len)
{
	crypto_generichash_state state;

	crypto_generichash_init(
	    &state, pepper->key, sizeof(pepper->key), tag_len);
	crypto_generichash_update(
	    &state, (const unsigned char *)domain, strlen(domain));
	crypto_generichash_update(
	    &state, (const unsigned char *)first, first_len);
	crypto_generichash_update(
	    &state, (const unsigned char *)second, second_len);
	crypto_generichash_final(&state, tag, tag_len);
	sodium_memzero(&state, sizeof(state));
}

void
jp_pepper_fast_tag(const struct jp_pepper *pepper,
    const char id[JP_TOKEN_ID_LEN], const char secret[JP_TOKEN_SECRET_LEN],
    uint8_t tag[JP_FAST_TAG_LEN])
{
	keyed_hash(pepper, "jpat-tag-v1", id, JP_TOKEN_ID_LEN, secret,
	    JP_TOKEN_SECRET_LEN, tag, JP_FAST_TAG_LEN);
}

void
jp_pepper_name(const struct jp_pepper *pepper, uint8_t tag[JP_PEPPER_NAME_LEN])
{
	keyed_hash(pepper, "jpat-pepper-name-v1", "", 0, "", 0, tag,
	    JP_PEPPER_NAME_LEN);
}

void
jp_pepper_derive(const struct jp_pepper *pepper, const char *domain,
    uint8_t *key, size_t len)
{
	keyed_hash(pepper, domain, "", 0, "", 0, key, len);
}
