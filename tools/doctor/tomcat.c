/*
 * Tomcat's XML, as far as it decides whether BASIC asks each time. Tags are
 * looked at one by one; comments are not.
 */
#include "tools/doctor/servers.h"

#include <string.h>
#include <strings.h>

#include "tools/doctor/traps.h"

#define BLANKS " \t\r\n"

struct tomcat {
	struct config_scan *scan;
	bool judge; /* the second time: report */
	bool realm; /* some file has a realm that may ask for tokens */
	bool valve; /* some file has the valve BasicAuthenticator */
};

/* Makes spaces of each comment; lines stay. */
static void
drop_comments(char *text)
{
	while ((text = strstr(text, "<!--")) != NULL) {
		const char *end = strstr(text, "-->");

		for (; *text != '\0' && text != end; text++)
			if (*text != '\n')
				*text = ' ';
	}
}

/* Whether the attribute `name` of the tag is "false". */
static bool
is_off(const char *tag, const char *name)
{
	size_t len = strlen(name);

	for (; (tag = strstr(tag, name)) != NULL; tag += len) {
		const char *value = tag + len + strspn(tag + len, BLANKS);

		if (strchr(BLANKS, tag[-1]) == NULL || *value != '=')
			continue;
		value += 1 + strspn(value + 1, BLANKS "\"'");
		return strncasecmp(value, "false", 5) == 0;
	}
	return false;
}

/* A tag as "<Name a=b ...", closed by a NUL. */
static void
take_tag(
    struct tomcat *tomcat, const char *file, unsigned int line, const char *tag)
{
	bool realm = strncmp(tag, "<Realm", 6) == 0 &&
	             (strstr(tag, ".JNDIRealm") != NULL ||
	                 strstr(tag, ".JAASRealm") != NULL);
	bool valve = strncmp(tag, "<Valve", 6) == 0 &&
	             strstr(tag, ".BasicAuthenticator") != NULL;

	tomcat->realm |= realm;
	tomcat->valve |= valve;
	if (!tomcat->judge)
		return;
	if (realm && !tomcat->valve)
		trap_report(tomcat->scan, TRAP_TOMCAT_REALM, file, line, NULL);
	if (valve && tomcat->realm && !is_off(tag, "cache"))
		trap_report(tomcat->scan, TRAP_TOMCAT_CACHE, file, line, NULL);
}

/* The `>` of the tag that begins at `at`; one in quotes is not. */
static char *
tag_end(char *at)
{
	char quote = '\0';

	for (; *at != '\0' && (quote != '\0' || *at != '>'); at++)
		if (*at == quote)
			quote = '\0';
		else if (quote == '\0' && (*at == '"' || *at == '\''))
			quote = *at;
	return at;
}

static void
read_file(void *arg, const struct config_text *text)
{
	unsigned int line = 1;
	char *at = text->text, *end;

	drop_comments(at);
	for (; *at != '\0'; at++) {
		line += *at == '\n';
		if (*at != '<')
			continue;
		end = tag_end(at);
		if (*end == '\0')
			return;
		*end = '\0';
		take_tag(arg, text->path, line, at);
		*end = '>';
	}
}

static void
read_all(struct tomcat *tomcat)
{
	static const char *const patterns[] = { "/etc/tomcat*/*.xml",
		"/etc/tomcat*/Catalina/*/*.xml",
		"/var/lib/tomcat*/webapps/*/META-INF/context.xml",
		"/opt/*/conf/server.xml", "/opt/*/conf/context.xml",
		"/opt/*/*/conf/server.xml", "/opt/*/*/conf/context.xml" };

	tomcat->scan->files = 0;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		config_each(tomcat->scan, patterns[i], read_file, tomcat);
}

/* First what there is, then what is wrong with it. */
void
doctor_read_tomcat(struct config_scan *scan)
{
	struct tomcat tomcat = { .scan = scan };

	read_all(&tomcat);
	tomcat.judge = true;
	if (tomcat.realm)
		read_all(&tomcat);
	else
		scan->files = 0; /* not about us */
}
