#include "pat_httpd/self/page_files.h"

#include <string.h>

#include "pat_httpd/self/page_bytes.inc" /* the build makes it */

const char page_file_style[] = "style-" STYLE_HASH ".css";
const char page_file_script[] = "page-" SCRIPT_HASH ".js";

static const struct {
	const char *name, *type;
	const unsigned char *bytes;
	size_t len;
} files[] = {
	{ page_file_style, "text/css; charset=utf-8", style_bytes,
	    sizeof(style_bytes) },
	{ page_file_script, "text/javascript; charset=utf-8", script_bytes,
	    sizeof(script_bytes) },
};

void
page_file(struct visit *visit)
{
	const char *name = visit_param(visit, "name");

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(files[i].name, name) != 0)
			continue;
		visit_header(visit, "Cache-Control",
		    "public, max-age=31536000, immutable");
		visit_reply_static(visit, 200, files[i].type,
		    (const char *)files[i].bytes, files[i].len);
		return;
	}
	visit_refuse(visit, SITE_NO_NOT_FOUND);
}
