/*
 * One place where log lines are made: text from outside is escaped, a line is
 * one line. Where lines go is the program's choice.
 */
#ifndef JP_LOG_H
#define JP_LOG_H

#include <stdbool.h>

#include "common/escape.h"

#define JP_LOG_LINE_MAX 1024

/* Sends lines to syslog(3), facility authpriv, instead of standard error. */
void jp_log_open(const char *program, bool to_syslog, bool debug);

/* `priority` as in syslog(3). No secret may be among the arguments. */
void jp_log(int priority, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
