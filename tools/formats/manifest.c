#include "tools/formats/manifest.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/grow.h"
#include "common/sys/json_text.h"
#include "common/sys/time_text.h"
#include "tools/formats/act_as.h"
#include "tools/formats/json_values.h"
#include "tools/formats/path_why.h"

enum {
	FILES_MAX = 1 << 16,
	HEX_LEN = 2 * MANIFEST_HASH,
};

void
manifest_clear(struct manifest *manifest)
{
	free(manifest->files);
	*manifest = (struct manifest){ 0 };
}

/* A plain name: what it stands for is in the folder and nowhere else. */
static bool
name_fits(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    strchr("._", name[i]) == NULL)
			return false;
	return len > 0 && len <= JP_FILE_NAME_MAX && name[0] != '.' &&
	       strcmp(name, MANIFEST_NAME) != 0 &&
	       strcmp(name, "DB_CONFIG") != 0; /* Berkeley DB would obey it */
}

struct manifest_file *
manifest_add(struct manifest *manifest, const char *name)
{
	struct manifest_file *file;

	if (!name_fits(name) || manifest->len == FILES_MAX)
		return NULL;
	for (size_t i = 0; i < manifest->len; i++)
		if (strcmp(manifest->files[i].name, name) == 0)
			return NULL;
	if (JP_GROW(manifest->files, manifest->len, manifest->cap) != JP_ERR_OK)
		return NULL;
	file = &manifest->files[manifest->len++];
	memset(file, 0, sizeof(*file));
	(void)jp_field_set(file->name, sizeof(file->name), name);
	return file;
}

uint64_t
manifest_bytes(const struct manifest *manifest)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < manifest->len; i++)
		bytes += manifest->files[i].bytes;
	return bytes;
}

json_t *
manifest_json(const struct manifest *manifest)
{
	return json_pack("{s:o,s:I,s:I}", "made_at",
	    json_time(manifest->made_at), "files", (json_int_t)manifest->len,
	    "bytes", (json_int_t)manifest_bytes(manifest));
}

/* ---- writing ---- */

json_t *
manifest_to_json(const struct manifest *manifest)
{
	json_t *files = json_array();

	for (size_t i = 0; i < manifest->len; i++) {
		const struct manifest_file *file = &manifest->files[i];
		char hex[HEX_LEN + 1];

		(void)sodium_bin2hex(
		    hex, sizeof(hex), file->hash, sizeof(file->hash));
		(void)json_array_append_new(files,
		    json_pack("{s:s,s:I,s:s}", "name", file->name, "bytes",
		        (json_int_t)file->bytes, "blake2b", hex));
	}
	return json_pack("{s:i,s:o,s:o}", "format", MANIFEST_FORMAT, "made_at",
	    json_time(manifest->made_at), "files", files);
}

enum jp_err
manifest_write(const struct manifest *manifest, int dir_fd, const char *path,
    struct jp_why *why)
{
	json_t *json = manifest_to_json(manifest);
	enum jp_err err = JP_ERR_OK;
	int fd = openat(dir_fd, MANIFEST_NAME,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (json == NULL || jp_json_lost())
		err =
		    jp_why(why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	else if (fd < 0 || json_dumpfd(json, fd, JSON_INDENT(1)) != 0 ||
	         fsync(fd) != 0 || fsync(dir_fd) != 0)
		err = path_why(why, "write " MANIFEST_NAME " in", path);
	if (err != JP_ERR_OK && fd >= 0)
		(void)unlinkat(dir_fd, MANIFEST_NAME, 0);
	if (fd >= 0)
		(void)close(fd);
	json_decref(json);
	return err;
}

/* ---- reading ---- */

static enum jp_err
read_file(struct manifest *manifest, json_t *json)
{
	const char *name, *hex;
	struct manifest_file *file;
	json_int_t bytes;
	size_t len;

	if (json_unpack(json, "{s:s,s:I,s:s!}", "name", &name, "bytes", &bytes,
	        "blake2b", &hex) != 0 ||
	    bytes < 0)
		return JP_ERR_DAMAGED;
	file = manifest_add(manifest, name);
	if (file == NULL ||
	    sodium_hex2bin(file->hash, sizeof(file->hash), hex, strlen(hex),
	        NULL, &len, NULL) != 0 ||
	    len != sizeof(file->hash) || strlen(hex) != HEX_LEN)
		return JP_ERR_DAMAGED;
	file->bytes = (uint64_t)bytes;
	return JP_ERR_OK;
}

enum jp_err
manifest_from_json(struct manifest *manifest, json_t *json)
{
	const char *made_at;
	json_t *files, *file;
	enum jp_err err = JP_ERR_OK;
	size_t i;
	int format;

	if (json_unpack(json, "{s:i}", "format", &format) != 0)
		return JP_ERR_DAMAGED;
	if (format > MANIFEST_FORMAT)
		return JP_ERR_NEWER;
	if (json_unpack(json, "{s:i,s:s,s:o!}", "format", &format, "made_at",
	        &made_at, "files", &files) != 0 ||
	    !json_is_array(files) ||
	    jp_when_read(made_at, &manifest->made_at) != JP_ERR_OK)
		return JP_ERR_DAMAGED;
	json_array_foreach(files, i, file)
	{
		if (err == JP_ERR_OK)
			err = read_file(manifest, file);
	}
	return err;
}

enum jp_err
manifest_read(struct manifest *manifest, const char *path, struct jp_why *why)
{
	char file[PATH_MAX];
	json_error_t error;
	json_t *json;
	enum jp_err err;
	int fd;

	*manifest = (struct manifest){ 0 };
	(void)snprintf(file, sizeof(file), "%s/%s", path, MANIFEST_NAME);
	fd = open_as_owner(file);
	if (fd < 0 && errno == ENOENT)
		return jp_why(why, JP_ERR_MISSING,
		    "%s is not a backup: it holds no " MANIFEST_NAME, path);
	if (fd < 0)
		return path_why(why, "read " MANIFEST_NAME " in", path);
	json = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);
	(void)close(fd);
	err =
	    json != NULL ? manifest_from_json(manifest, json) : JP_ERR_DAMAGED;
	json_decref(json);
	if (err == JP_ERR_NEWER)
		return jp_why(why, err,
		    "%s was made by a newer version of jira-pat", path);
	if (err != JP_ERR_OK)
		return jp_why(why, err,
		    "%s/" MANIFEST_NAME " does not hold what a backup writes",
		    path);
	return err;
}
