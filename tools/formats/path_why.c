#include "tools/formats/path_why.h"

#include <errno.h>
#include <string.h>

enum jp_err
path_why(struct jp_why *why, const char *doing, const char *path)
{
	int errnum = errno;

	return jp_why(why, jp_err_from_errno(errnum), "cannot %s %s: %s", doing,
	    path, strerror(errnum));
}
