/*
 * The file of the memo: what has been proved outlives the process, within one
 * boot of the machine. It holds no token, no id, no hash and no key. Each entry
 * and the header carry a keyed BLAKE2b; the key is derived from the pepper,
 * from a random seed in the header and from all that the file belongs to, so
 * what was altered, torn, or made for another store matches nothing.
 * doc/memo.md argues why that is safe.
 *
 * The file is read once, when it is opened, and from then on only written: what
 * anybody does to it later changes nothing in this process.
 */
#ifndef JP_MEMO_FILE_H
#define JP_MEMO_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/record/pepper.h"
#include "common/sys/boot_id.h"

#define JP_MEMO_FILE_NAME "patd.memo" /* in run_dir */
#define JP_MEMO_KEY_LEN 32
#define JP_MEMO_TAG_LEN 32
#define JP_MEMO_LIFETIME (INT64_C(15) * 60) /* seconds */

struct jp_memo_key {
	uint8_t bytes[JP_MEMO_KEY_LEN];
};

struct jp_memo_entry {
	uint8_t tag[JP_MEMO_TAG_LEN];
	int64_t deadline; /* of jp_steady_clock; 0: the place is free */
};

/* What a file belongs to: where one of these differs, it is made anew. */
struct jp_memo_ties {
	char boot[JP_BOOT_ID_LEN];     /* "": it cannot be known */
	uint64_t store_dev, store_ino; /* of the store's directory */
	const struct jp_pepper *pepper;
};

struct jp_memo_file;

/*
 * Says what a file for this store belongs to. JP_ERR_MISSING and the like, if
 * the store's directory cannot be looked at.
 */
enum jp_err jp_memo_ties_make(struct jp_memo_ties *ties, const char *store_dir,
    const struct jp_pepper *pepper);

/*
 * Whether a file in this directory would be gone after a power cut: only there
 * it is made. JP_ERR_REFUSED if not.
 */
enum jp_err jp_memo_file_place(const char *run_dir, struct jp_why *why);

/*
 * Opens the file in `run_dir` and locks it; one that is missing, that another
 * user could read or write, or that does not belong to `ties` is made anew.
 * `entries` gets what it holds, `len` places: those that are not whole, or not
 * valid between `now` and `now` + JP_MEMO_LIFETIME, are free. JP_ERR_REFUSED
 * where it would not be safe, JP_ERR_LOCKED if another process has it, or what
 * the file system says: then there is no file.
 */
enum jp_err jp_memo_file_open(struct jp_memo_file **file, const char *run_dir,
    const struct jp_memo_ties *ties, struct jp_memo_entry *entries, size_t len,
    int64_t now, struct jp_why *why);

/*
 * Locks it in memory, so that it is not swapped, if the limit allows. It says
 * less than anything else that is locked, so that comes before it.
 */
void jp_memo_file_lock(struct jp_memo_file *file);

/* Wipes and closes; the file stays. NULL is fine. */
void jp_memo_file_close(struct jp_memo_file *file);

/* Removes it from `run_dir`, if it is there. */
void jp_memo_file_remove(const char *run_dir);

/* The key of the tags that belong into this file. */
void jp_memo_file_key(const struct jp_memo_file *file, struct jp_memo_key *key);

/*
 * Writes one place. An error is of no matter: what is not there, or not whole,
 * will be proved once more.
 */
void jp_memo_file_write(
    struct jp_memo_file *file, size_t place, const struct jp_memo_entry *entry);

/* Forgets all, and takes another key. */
void jp_memo_file_renew(struct jp_memo_file *file);

#endif
