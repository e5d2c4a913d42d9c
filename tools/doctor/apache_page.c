#include "tools/doctor/apache_page.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor/page_proxies.h"
#include "tools/doctor/traps.h"

/* ProxyPass [PATH] unix:SOCKET|http://HOST/PATH [KEY=VALUE]... */
static void
take_proxy(struct apache_page *page, const struct apache_line *line)
{
	for (size_t i = 0; i < line->len && i < 2; i++)
		if (page_is_at(page->scan, line->words[i])) {
			(void)snprintf(page->proxy.file,
			    sizeof(page->proxy.file), "%s", line->file);
			page->proxy.line = line->line;
		}
}

/* With a condition, the client's own may stay. */
static bool
is_condition(const char *word)
{
	return strncasecmp(word, "env=", strlen("env=")) == 0 ||
	       strncasecmp(word, "expr=", strlen("expr=")) == 0;
}

/* RequestHeader set NAME VALUE [WHEN], RequestHeader unset NAME [WHEN] */
static void
take_header(struct apache_page *page, const struct apache_line *line)
{
	const char *header = page->scan->doctor->settings->self.user_header;
	bool set;

	if (line->len < 2 || strcasecmp(line->words[1], header) != 0)
		return;
	set = strcasecmp(line->words[0], "set") == 0;
	if (!set && strcasecmp(line->words[0], "unset") != 0)
		return;
	for (size_t i = set ? 3 : 2; i < line->len; i++)
		if (is_condition(line->words[i]))
			return;
	page->sets = true;
}

void
apache_page_take(
    struct apache_page *page, const char *name, const struct apache_line *line)
{
	if (strcasecmp(name, "ProxyPass") == 0 ||
	    strcasecmp(name, "ProxyPassMatch") == 0)
		take_proxy(page, line);
	else if (strcasecmp(name, "RequestHeader") == 0)
		take_header(page, line);
}

void
apache_page_end_host(struct apache_page *page)
{
	if (page->proxy.line != 0 && !page->sets && !page->always)
		trap_report(page->scan, TRAP_APACHE_PAGE, page->proxy.file,
		    page->proxy.line,
		    page->scan->doctor->settings->self.user_header);
	page->proxy.line = 0;
	page->sets = false;
}

void
apache_page_end_main(struct apache_page *page)
{
	page->always |= page->sets;
	apache_page_end_host(page);
}
