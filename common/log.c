#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* Set once by jp_log_open(), before there are threads. */
static const char *log_program = "jira-pat";
static bool log_to_syslog;
static bool log_debug;

void
jp_log_open(const char *program, bool to_syslog, bool debug)
{
	log_program = program;
	log_to_syslog = to_syslog;
	log_debug = debug;
	if (to_syslog)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
}

void
jp_log(int priority, const char *format, ...)
{
	char text[JP_LOG_LINE_MAX], line[JP_LOG_LINE_MAX + 64];
	va_list args;
	int len;

	if (priority == LOG_DEBUG && !log_debug)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (log_to_syslog) {
		syslog(priority, "%s", text);
		return;
	}
	len = snprintf(line, sizeof(line), "%s: %s\n", log_program, text);
	if (len > 0) /* one write(2): lines of threads do not mix */
		(void)!write(STDERR_FILENO, line, (size_t)len);
}
