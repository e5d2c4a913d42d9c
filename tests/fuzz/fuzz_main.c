/*
 * Drives a target in `make check`: every file of tests/fuzz/corpus/TARGET, then
 * 20,000 mutations of them, the same in every run. Prints TAP.
 */
#include <dirent.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"

enum {
	MUTATIONS = 20000,
	SEEDS_MAX = 64,
	SIZE_MAX_INPUT = 20000,
};

struct seed {
	uint8_t *data;
	size_t size;
};

static uint64_t state = 88172645463325252U;

/* xorshift64: the same numbers in every run. */
static size_t
draw(size_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state >> 33) % below;
}

/* Runs the target on a copy without a byte behind it. */
static void
run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);

	FUZZ_ASSERT(exact != NULL);
	memcpy(exact, data, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void
read_seed(const char *folder, const char *name, struct seed *seed)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	seed->data = malloc(SIZE_MAX_INPUT);
	FUZZ_ASSERT(file != NULL && seed->data != NULL);
	seed->size = fread(seed->data, 1, SIZE_MAX_INPUT, file);
	(void)fclose(file);
}

static int
is_plain(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of their names; returns how many. */
static size_t
read_seeds(const char *folder, struct seed seeds[SEEDS_MAX])
{
	struct dirent **entries;
	int found = scandir(folder, &entries, is_plain, alphasort);
	size_t count = 0;

	for (int i = 0; i < found; i++) {
		if (count < SEEDS_MAX)
			read_seed(folder, entries[i]->d_name, &seeds[count++]);
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
	return count;
}

static size_t
mutate_once(uint8_t *data, size_t size)
{
	size_t at = size > 0 ? draw(size) : 0;

	switch (draw(6)) {
	case 0:
		return at; /* cut */
	case 1:            /* insert */
		if (size == SIZE_MAX_INPUT)
			return size;
		memmove(data + at + 1, data + at, size - at);
		data[at] = (uint8_t)draw(256);
		return size + 1;
	case 2: /* take out */
		if (size == 0)
			return size;
		memmove(data + at, data + at + 1, size - at - 1);
		return size - 1;
	case 3: /* flip a bit */
		if (size > 0)
			data[at] ^= (uint8_t)(1U << draw(8));
		return size;
	case 4: /* copy a byte from elsewhere */
		if (size > 0)
			data[at] = data[draw(size)];
		return size;
	default:
		if (size > 0)
			data[at] = (uint8_t)draw(256);
		return size;
	}
}

static void
run_mutations(const struct seed *seeds, size_t count)
{
	uint8_t *data = malloc(SIZE_MAX_INPUT);

	FUZZ_ASSERT(data != NULL);
	for (int i = 0; i < MUTATIONS; i++) {
		const struct seed *seed = &seeds[draw(count)];
		size_t size = seed->size;

		memcpy(data, seed->data, size);
		for (size_t n = 1 + draw(4); n > 0; n--)
			size = mutate_once(data, size);
		run(data, size);
	}
	free(data);
}

int
main(int argc, char **argv)
{
	const char *source = getenv("JP_SOURCE");
	const char *name = strrchr(argv[0], '/');
	struct seed seeds[SEEDS_MAX];
	char folder[2048];
	size_t count;

	name = strstr(name != NULL ? name : argv[0], "fuzz_");
	if (name == NULL || argc > 1)
		return 99;
	(void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
	    source != NULL ? source : ".", name + strlen("fuzz_"));
	count = read_seeds(folder, seeds);
	(void)printf("1..2\n%sok 1 - %zu inputs of %s\n",
	    count > 0 ? "" : "not ", count, folder);
	(void)fflush(stdout); /* a target that aborts leaves 1 of 2 */
	if (count == 0)
		return 1;
	for (size_t i = 0; i < count; i++)
		run(seeds[i].data, seeds[i].size);
	run_mutations(seeds, count);
	for (size_t i = 0; i < count; i++)
		free(seeds[i].data);
	(void)printf("ok 2 - %d mutations of them\n", MUTATIONS);
	return 0;
}
