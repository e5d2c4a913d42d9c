#include "tools/formats/text_file.h"

#include <errno.h>
#include <iconv.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 1 << 16,
};

static const struct mark {
	const char *bytes;
	size_t len;
	const char *charset; /* NULL: UTF-8 */
} marks[] = {
	{ "\xef\xbb\xbf", 3, NULL },
	{ "\xff\xfe\0\0", 4, "UTF-32LE" },
	{ "\0\0\xfe\xff", 4, "UTF-32BE" },
	{ "\xff\xfe", 2, "UTF-16LE" },
	{ "\xfe\xff", 2, "UTF-16BE" },
};

/* Room for `more` bytes behind what is there, and for a NUL. */
static bool
grow(struct text_file *text, size_t *cap, size_t more)
{
	size_t wanted = text->len + more + 1, size;
	char *bytes;

	if (wanted <= *cap)
		return true;
	size = wanted > 2 * *cap ? wanted : 2 * *cap;
	bytes = malloc(size);
	if (bytes == NULL)
		return false;
	if (text->len > 0)
		memcpy(bytes, text->bytes, text->len);
	if (text->bytes != NULL)
		sodium_memzero(text->bytes, text->len);
	free(text->bytes);
	text->bytes = bytes;
	*cap = size;
	return true;
}

static enum jp_err
read_all(struct text_file *text, FILE *from, struct jp_why *why)
{
	size_t cap = 0, got = 1;

	errno = 0;
	while (got > 0) {
		if (!grow(text, &cap, CHUNK))
			return jp_why(
			    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
		got = fread(text->bytes + text->len, 1, CHUNK, from);
		text->len += got;
		if (text->len > TEXT_FILE_MAX)
			return jp_why(why, JP_ERR_TOO_LONG,
			    "%.300s: larger than %u MiB: split it", text->name,
			    TEXT_FILE_MAX >> 20);
	}
	if (ferror(from))
		return jp_why(why, JP_ERR_IO, "cannot read %.300s: %s",
		    text->name, strerror(errno));
	return JP_ERR_OK;
}

static const struct mark *
find_mark(const struct text_file *text)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (text->len >= marks[i].len &&
		    memcmp(text->bytes, marks[i].bytes, marks[i].len) == 0)
			return &marks[i];
	return NULL;
}

/* `len` bytes of another charset become UTF-8; `out` has room for twice that.
 */
static bool
convert(const char *charset, char *in, size_t len, char *out, size_t *out_len)
{
	iconv_t to = iconv_open("UTF-8", charset);
	size_t left = 2 * len;
	bool done;

	if (to == (iconv_t)-1)
		return false;
	done = iconv(to, &in, &len, &out, &left) != (size_t)-1 && len == 0;
	*out_len -= left;
	(void)iconv_close(to);
	return done;
}

static enum jp_err
decode(struct text_file *text, const struct mark *mark, struct jp_why *why)
{
	size_t len = text->len - mark->len, out_len = 2 * len;
	char *out = malloc(out_len + 1);
	bool done =
	    out != NULL &&
	    convert(mark->charset, text->bytes + mark->len, len, out, &out_len);

	if (!done) {
		free(out);
		return jp_why(why, JP_ERR_INVALID,
		    "%.300s: begins as %s, but not all of it is: save it as "
		    "UTF-8",
		    text->name, mark->charset);
	}
	sodium_memzero(text->bytes, text->len);
	free(text->bytes);
	text->bytes = out;
	text->len = out_len;
	return JP_ERR_OK;
}

static enum jp_err
drop_mark(struct text_file *text, struct jp_why *why)
{
	const struct mark *mark = find_mark(text);

	if (mark == NULL)
		return JP_ERR_OK;
	if (mark->charset != NULL)
		return decode(text, mark, why);
	text->len -= mark->len;
	memmove(text->bytes, text->bytes + mark->len, text->len);
	return JP_ERR_OK;
}

/* Lines would end there, and what follows would be lost. */
static enum jp_err
check_nul(const struct text_file *text, struct jp_why *why)
{
	const char *nul = memchr(text->bytes, '\0', text->len);
	unsigned long line = 1;

	if (nul == NULL)
		return JP_ERR_OK;
	for (const char *at = text->bytes; at < nul; at++)
		line += *at == '\n';
	return jp_why(why, JP_ERR_INVALID,
	    "%.300s:%lu: a NUL byte: if it is UTF-16, save it as UTF-8",
	    text->name, line);
}

enum jp_err
text_file_open(struct text_file *text, const char *path, struct jp_why *why)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *from = standard ? stdin : fopen(path, "re");
	enum jp_err err;

	*text =
	    (struct text_file){ .name = standard ? "standard input" : path };
	if (from == NULL) {
		int errnum = errno;

		return jp_why(why, jp_err_from_errno(errnum),
		    "cannot open %.300s: %s", path, strerror(errnum));
	}
	err = read_all(text, from, why);
	if (!standard)
		(void)fclose(from);
	if (err == JP_ERR_OK)
		err = drop_mark(text, why);
	if (err == JP_ERR_OK)
		err = check_nul(text, why);
	if (err != JP_ERR_OK)
		return err;
	text->bytes[text->len] = '\0';
	/* A stream over no bytes at all is refused by some C libraries. */
	text->file = text->len > 0 ? fmemopen(text->bytes, text->len, "r")
	                           : fopen("/dev/null", "re");
	return text->file != NULL
	           ? JP_ERR_OK
	           : jp_why(why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
}

char
text_file_first(const struct text_file *text)
{
	return text->bytes[strspn(text->bytes, " \t\r\n")];
}

void
text_file_close(struct text_file *text)
{
	if (text->file != NULL)
		(void)fclose(text->file);
	if (text->bytes != NULL)
		sodium_memzero(text->bytes, text->len);
	free(text->bytes);
	*text = (struct text_file){ .name = text->name };
}
