/*
 * A full list of users, as an identity provider exports it: CSV, JSON lines, or
 * one JSON array.
 */
#ifndef PAT_ADMIN_USER_LIST_H
#define PAT_ADMIN_USER_LIST_H

#include "tools/formats/csv_file.h"
#include "tools/formats/people.h"

/*
 * Reads the file `path` ("-": standard input) into `people`. JP_ERR_INVALID
 * with file, line and cause in `why` for anything that is not such a list.
 */
enum jp_err user_list_read(struct people *people, const char *path,
    const struct csv_style *style, struct jp_why *why);

#endif
