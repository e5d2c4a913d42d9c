/*
 * The manifest of a backup: what is accepted is written the same, and names
 * files of that folder alone.
 */
#include "tests/fuzz/fuzz.h"
#include "tools/formats/manifest.h"

static void
read_again(const struct manifest *manifest, const json_t *read)
{
	json_t *json = manifest_to_json(manifest);
	struct manifest again = { 0 };

	FUZZ_ASSERT(json != NULL);
	FUZZ_ASSERT(json_equal(json_object_get(json, "made_at"),
	    json_object_get(read, "made_at")));
	FUZZ_ASSERT(manifest_from_json(&again, json) == JP_ERR_OK);
	FUZZ_ASSERT(again.len == manifest->len);
	FUZZ_ASSERT(again.made_at == manifest->made_at);
	for (size_t i = 0; i < again.len; i++)
		FUZZ_ASSERT(memcmp(&again.files[i], &manifest->files[i],
		                sizeof(again.files[i])) == 0);
	FUZZ_ASSERT(manifest_bytes(&again) == manifest_bytes(manifest));
	json_decref(json);
	manifest_clear(&again);
}

static void
look(const struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->len; i++) {
		const char *name = manifest->files[i].name;

		FUZZ_ASSERT(name[0] != '\0' && name[0] != '.');
		FUZZ_ASSERT(strchr(name, '/') == NULL);
		for (size_t j = 0; j < i; j++)
			FUZZ_ASSERT(strcmp(name, manifest->files[j].name) != 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json =
	    json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct manifest manifest = { 0 };

	if (json == NULL)
		return 0;
	if (manifest_from_json(&manifest, json) == JP_ERR_OK) {
		look(&manifest);
		read_again(&manifest, json);
		json_decref(manifest_json(&manifest));
	}
	manifest_clear(&manifest);
	json_decref(json);
	return 0;
}
