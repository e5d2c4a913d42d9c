/*
 * What the fault tests of the store share: TAP (testanything.org), and the
 * comparison of the indexes with the records.
 */
#ifndef JP_TESTS_STORE_TAP_H
#define JP_TESTS_STORE_TAP_H

#include "tests/unit/store_help.h"

struct tap {
	int count;
	int failed;
};

static inline void
tap_ok(struct tap *tap, bool ok, const char *what)
{
	(void)printf("%s %d - %s\n", ok ? "ok" : "not ok", ++tap->count, what);
	(void)fflush(stdout);
	tap->failed += !ok;
}

static inline int
tap_end(const struct tap *tap)
{
	(void)printf("1..%d\n", tap->count);
	return tap->failed == 0 ? 0 : 1;
}

/* Says why the store failed; returns false. */
static inline bool
tap_why(struct jp_store *store, const char *what)
{
	struct jp_why why = { .text = "" };

	jp_store_why(store, &why);
	(void)printf("# %s: %s\n", what, why.text);
	return false;
}

/*
 * Counts a listing, or gives -1: each record must be in order and be what a
 * look at its id gives.
 */
static inline long
count_listing(struct jp_store *store, struct jp_listing listing)
{
	struct jp_record page[16], record;
	long total = 0;
	size_t count;

	do {
		if (jp_store_list(store, &listing, page, 16, &count) !=
		    JP_ERR_OK) {
			(void)tap_why(store, "list");
			return -1;
		}
		for (size_t i = 0; i < count; i++)
			if (jp_store_get(store, page[i].id, &record) !=
			        JP_ERR_OK ||
			    memcmp(&record, &page[i], sizeof(record)) != 0)
				return -1;
		total += (long)count;
	} while (count > 0);
	return total;
}

/* The groups that own records of these tests; "": none does. */
static const char *const owners[] = { "", "ops", "dev" };

/* Whether the index of owners has just those records that name them. */
static inline bool
owners_agree(struct jp_store *store)
{
	struct jp_listing listing = { .order = JP_ORDER_ID };
	struct jp_record record;
	long owned = 0, listed = 0;
	size_t count;

	while (
	    jp_store_list(store, &listing, &record, 1, &count) == JP_ERR_OK &&
	    count == 1)
		owned += record.owner_group[0] != '\0';
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		struct jp_listing by = { .order = JP_ORDER_OWNER };

		(void)strcpy(by.owner, owners[i]);
		listed += count_listing(store, by);
	}
	if (owned != listed)
		(void)printf("# %ld owned, %ld by owner\n", owned, listed);
	return owned == listed;
}

/* Whether the records, all indexes and the count of records agree. */
static inline bool
indexes_agree(
    struct jp_store *store, const char *const *users, size_t user_count)
{
	struct jp_listing listing = { .order = JP_ORDER_ID };
	struct jp_store_info info;
	long all = count_listing(store, listing);
	long by_user = 0, by_expiry;

	listing.order = JP_ORDER_EXPIRY;
	listing.until = INT64_MAX;
	by_expiry = count_listing(store, listing);
	listing.order = JP_ORDER_USER;
	for (size_t i = 0; i < user_count; i++) {
		(void)snprintf(
		    listing.user, sizeof(listing.user), "%s", users[i]);
		by_user += count_listing(store, listing);
	}
	if (jp_store_info(store, &info) != JP_ERR_OK)
		return tap_why(store, "info");
	if (!owners_agree(store))
		return false;
	if (all >= 0 && all == by_user && all == by_expiry &&
	    (uint64_t)all == info.records)
		return true;
	(void)printf("# %ld records, %ld by user, %ld by expiry, counted %lu\n",
	    all, by_user, by_expiry, (unsigned long)info.records);
	return false;
}

#endif
