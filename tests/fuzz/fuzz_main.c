/*
 * Drives a target in `make check`: every file of tests/fuzz/corpus/TARGET, then
 * 20,000 mutations of them, the same in every run. Prints TAP.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum {
	MUTATIONS = 20000,
	SIZE_MAX_INPUT = 20000,
};

struct seed {
	uint8_t *data;
	size_t size;
};

struct seeds {
	struct seed *seed;
	size_t count;
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

static struct seed now; /* what the target runs on */

/* Shows the input that broke a promise, as `xxd -r -p` reads it. */
static void
show(int signal_number)
{
	static const char hex[] = "0123456789abcdef";
	static char text[2 * SIZE_MAX_INPUT + 1];
	size_t len = 0;

	for (size_t i = 0; i < now.size; i++) {
		text[len++] = hex[now.data[i] >> 4];
		text[len++] = hex[now.data[i] & 15];
	}
	text[len++] = '\n';
	(void)!write(STDERR_FILENO, "# ", 2);
	(void)!write(STDERR_FILENO, text, len);
	(void)signal(signal_number, SIG_DFL);
	(void)raise(signal_number);
}

/* Runs the target on a copy without a byte behind it. */
static void
run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);

	FUZZ_ASSERT(exact != NULL);
	memcpy(exact, data, size);
	now = (struct seed){ exact, size };
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
	FUZZ_ASSERT(fgetc(file) == EOF); /* all of it */
	(void)fclose(file);
}

static int
is_plain(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* All of the folder, in the order of their names. */
static void
read_seeds(const char *folder, struct seeds *seeds)
{
	struct dirent **entries;
	int found = scandir(folder, &entries, is_plain, alphasort);

	seeds->count = found > 0 ? (size_t)found : 0;
	seeds->seed = calloc(seeds->count + 1, sizeof(*seeds->seed));
	FUZZ_ASSERT(seeds->seed != NULL);
	for (size_t i = 0; i < seeds->count; i++) {
		read_seed(folder, entries[i]->d_name, &seeds->seed[i]);
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
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
run_mutations(const struct seeds *seeds)
{
	uint8_t *data = malloc(SIZE_MAX_INPUT);

	FUZZ_ASSERT(data != NULL);
	for (int i = 0; i < MUTATIONS; i++) {
		const struct seed *seed = &seeds->seed[draw(seeds->count)];
		size_t size = seed->size;

		memcpy(data, seed->data, size);
		for (size_t n = 1 + draw(4); n > 0; n--)
			size = mutate_once(data, size);
		run(data, size);
	}
	free(data);
}

static void
run_all(const char *folder)
{
	struct seeds seeds;

	read_seeds(folder, &seeds);
	(void)printf("1..2\n%sok 1 - %zu inputs of %s\n",
	    seeds.count > 0 ? "" : "not ", seeds.count, folder);
	(void)fflush(stdout); /* a target that aborts leaves 1 of 2 */
	for (size_t i = 0; i < seeds.count; i++)
		run(seeds.seed[i].data, seeds.seed[i].size);
	if (seeds.count > 0) {
		run_mutations(&seeds);
		(void)printf("ok 2 - %d mutations of them\n", MUTATIONS);
	}
	for (size_t i = 0; i < seeds.count; i++)
		free(seeds.seed[i].data);
	free(seeds.seed);
}

int
main(int argc, char **argv)
{
	const char *source = getenv("JP_SOURCE");
	const char *name = strrchr(argv[0], '/');
	char folder[2048];

	name = strstr(name != NULL ? name : argv[0], "fuzz_");
	if (name == NULL || argc > 1)
		return 99;
	(void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
	    source != NULL ? source : ".", name + strlen("fuzz_"));
	(void)signal(SIGABRT, show);
	run_all(folder);
	return 0;
}
