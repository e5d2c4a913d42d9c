#include "common/sys/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/cond.h"
#include "common/wire/client.h"

enum {
	RESERVE = JP_LOG_QUEUE / 4, /* for warnings and worse */
};

struct line {
	int priority;
	uint64_t lost; /* lines, just before this one */
	char text[JP_LOG_LINE_MAX];
};

/* Set once by jp_log_open(), before there are threads. */
static const char *log_program = "jira-pat";
static bool log_to_syslog;
static bool log_debug;

/* The lines on their way to the thread that writes them. */
static struct {
	atomic_bool threaded;
	pthread_t thread;
	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t wake;   /* the thread: there is work */
	pthread_cond_t moved;  /* the others: a line was written */
	bool stopping, writing, ended;
	uint64_t lost;     /* since the last line that was taken */
	uint64_t lost_all; /* since the start */
	size_t first, len;
	struct line lines[JP_LOG_QUEUE];
} queue = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void
jp_log_open(const char *program, bool to_syslog, bool debug)
{
	log_program = program;
	log_to_syslog = to_syslog;
	log_debug = debug;
	if (to_syslog)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
}

/* ---- writing: may take as long as the reader likes ---- */

/* A standard error that somebody else made non-blocking is waited for. */
static bool
write_all(const char *bytes, size_t len)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

	while (len > 0) {
		ssize_t written = write(STDERR_FILENO, bytes, len);

		if (written >= 0) {
			bytes += written;
			len -= (size_t)written;
		} else if (errno == EAGAIN) {
			(void)poll(&room, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* One write(2), if it can be: lines of processes do not mix. */
static bool
write_line(int priority, const char *text)
{
	char line[JP_LOG_LINE_MAX + 64];
	int len;

	if (log_to_syslog) {
		syslog(priority, "%s", text);
		return true;
	}
	len = snprintf(line, sizeof(line), "%s: %s\n", log_program, text);
	return len > 0 && write_all(line, (size_t)len);
}

static bool
write_lost(uint64_t lost)
{
	char text[64];

	(void)snprintf(text, sizeof(text),
	    "log: %" PRIu64 " lines lost: its reader was too slow", lost);
	return write_line(LOG_WARNING, text);
}

/* ---- the queue, under the mutex ---- */

static void
lose(uint64_t count)
{
	queue.lost += count;
	queue.lost_all += count;
}

/* Lines that matter less leave room for those that matter more. */
static void
put(int priority, const char *text)
{
	size_t room =
	    priority <= LOG_WARNING ? JP_LOG_QUEUE : JP_LOG_QUEUE - RESERVE;
	struct line *line;

	if (queue.len >= room) {
		lose(1);
		return;
	}
	line = &queue.lines[(queue.first + queue.len) % JP_LOG_QUEUE];
	line->priority = priority;
	line->lost = queue.lost;
	queue.lost = 0;
	(void)snprintf(line->text, sizeof(line->text), "%s", text);
	queue.len++;
	(void)pthread_cond_signal(&queue.wake);
}

/* Takes the next line; or only what was lost behind the last one. */
static struct line
take(void)
{
	struct line line = { .lost = queue.lost };

	if (queue.len == 0) {
		queue.lost = 0;
		return line;
	}
	line = queue.lines[queue.first];
	queue.first = (queue.first + 1) % JP_LOG_QUEUE;
	queue.len--;
	return line;
}

/*
 * The mutex is held before and after, and not while the reader is waited for.
 * False: nobody reads any more.
 */
static bool
write_one(void)
{
	struct line line = take();
	bool said, written;

	queue.writing = true;
	pthread_mutex_unlock(&queue.mutex);
	said = line.lost == 0 || write_lost(line.lost);
	written = line.text[0] == '\0' || write_line(line.priority, line.text);
	pthread_mutex_lock(&queue.mutex);
	queue.writing = false;
	if (!said)
		queue.lost += line.lost;
	if (!written)
		lose(1);
	(void)pthread_cond_broadcast(&queue.moved);
	return said && written;
}

static void *
work(void *arg)
{
	bool reads = true;

	(void)arg;
	pthread_mutex_lock(&queue.mutex);
	for (;;) {
		if (queue.len > 0 || (queue.lost > 0 && reads))
			reads = write_one();
		else if (queue.stopping)
			break;
		else
			(void)pthread_cond_wait(&queue.wake, &queue.mutex);
	}
	queue.ended = true;
	(void)pthread_cond_broadcast(&queue.moved);
	pthread_mutex_unlock(&queue.mutex);
	return NULL;
}

/* ---- for everybody ---- */

bool
jp_log_takes(int priority)
{
	return priority != LOG_DEBUG || log_debug;
}

void
jp_log(int priority, const char *format, ...)
{
	char text[JP_LOG_LINE_MAX];
	va_list args;

	if (!jp_log_takes(priority))
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	jp_cut_end(text);
	jp_mask(text);
	if (!queue.threaded) {
		(void)write_line(priority, text);
		return;
	}
	pthread_mutex_lock(&queue.mutex);
	put(priority, text);
	pthread_mutex_unlock(&queue.mutex);
}

enum jp_err
jp_log_start(void)
{
	jp_cond_init(&queue.wake);
	jp_cond_init(&queue.moved);
	queue.stopping = queue.ended = false;
	queue.threaded = pthread_create(&queue.thread, NULL, work, NULL) == 0;
	return queue.threaded ? JP_ERR_OK : JP_ERR_NOMEM;
}

bool
jp_log_flush(int ms)
{
	int64_t deadline = jp_now_ms() + ms;
	bool empty;

	if (!queue.threaded)
		return true;
	pthread_mutex_lock(&queue.mutex);
	while ((queue.len > 0 || queue.writing) &&
	       jp_cond_wait_until(&queue.moved, &queue.mutex, deadline))
		continue;
	empty = queue.len == 0 && !queue.writing;
	pthread_mutex_unlock(&queue.mutex);
	return empty;
}

bool
jp_log_stop(int ms)
{
	int64_t deadline = jp_now_ms() + ms;
	bool ended;

	if (!queue.threaded)
		return true;
	pthread_mutex_lock(&queue.mutex);
	queue.stopping = true;
	(void)pthread_cond_signal(&queue.wake);
	while (!queue.ended &&
	       jp_cond_wait_until(&queue.moved, &queue.mutex, deadline))
		continue;
	ended = queue.ended;
	pthread_mutex_unlock(&queue.mutex);
	if (!ended)
		return false;
	(void)pthread_join(queue.thread, NULL);
	queue.threaded = false;
	return true;
}

uint64_t
jp_log_lost(void)
{
	uint64_t lost;

	pthread_mutex_lock(&queue.mutex);
	lost = queue.lost_all;
	pthread_mutex_unlock(&queue.mutex);
	return lost;
}
