/*
 * The line about what went wrong with a file.
 */
#ifndef PAT_ADMIN_PATH_WHY_H
#define PAT_ADMIN_PATH_WHY_H

#include "common/base/err.h"

/* "cannot DOING PATH: " and what errno(3) says; returns its code. */
enum jp_err path_why(struct jp_why *why, const char *doing, const char *path);

#endif
