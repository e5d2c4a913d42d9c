/* What is linked with --wrap=jp_log, and quiet_log.c, writes no log. */
#ifndef JP_FUZZ_QUIET_LOG_H
#define JP_FUZZ_QUIET_LOG_H

#define FUZZ_TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

void __wrap_jp_log(int priority, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
