/*
 * Searches files for tokens, several at once, on all processors. What is found
 * comes out in the order of the files, and of a file in the order in which it
 * stands there, as if they were read one after the other. A few findings of
 * each file wait at most, and a few files: memory does not grow.
 */
#ifndef PAT_ADMIN_FILE_SEARCH_H
#define PAT_ADMIN_FILE_SEARCH_H

#include <stdint.h>

#include "common/record/token_scan.h"
#include "tools/cli/file_walk.h"

/* Whoever searches; all of it is called in the caller's own thread. */
struct file_searcher {
	const char *prefix; /* of jp_token_scan_start() */
	void *arg;

	/* A token in a file; an error ends the search. */
	enum jp_err (*found)(void *arg, const struct walked_file *file,
	    const struct jp_found *found);

	/* All of the file is read, or its `error` or `special` is set. */
	void (*ended)(void *arg, const struct walked_file *file);

	/*
	 * Nothing is to be done now; `done` bytes of all files were read, and
	 * what the first one waits for may never come if it is a `stream`.
	 * True: to be called again in a moment, if it lasts.
	 */
	bool (*waits)(void *arg, bool stream, uint64_t done);
};

/* Searches what the walk has; the first error of it, of `found`, or of us. */
enum jp_err file_search(const struct file_searcher *searcher,
    struct file_walk *walk, struct jp_why *why);

#endif
