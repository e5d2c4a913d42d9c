#include "tools/cli/file_search.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/sys/cond.h"

enum {
	CHUNK = 65536, /* bytes read at once */
	JOBS = 64,     /* files that are begun or waiting */
	FINDINGS = 16, /* of one file that wait */
	THREADS_MAX = 32,
	STACK_SIZE = 256 * 1024,
	PAUSE_MS = 200,
};

/* ---- What the threads share ---- */

struct finding {
	char text[JP_TOKEN_MATCH_RING];
	size_t len;
	bool checked, base64;
	uint64_t line;
};

/* One file. */
struct job {
	struct walked_file file;
	bool stream; /* not a regular file */
	bool done;
	struct finding findings[FINDINGS]; /* a ring */
	uint64_t put, got;
};

/*
 * A ring of files, numbered from 0: those up to `head` are over, those up to
 * `taken` have their thread, those up to `tail` wait for one.
 */
struct search {
	const struct file_searcher *searcher;
	pthread_mutex_t mutex; /* of all below, but for atomics */
	pthread_cond_t work, news, room, turn;
	struct job jobs[JOBS];
	uint64_t head, taken, tail;
	size_t idle; /* threads */
	atomic_bool stop;
	atomic_uint_fast64_t done; /* bytes read */

	/* The caller's own. */
	struct worker *workers[THREADS_MAX];
	size_t worker_len, worker_max;
};

struct worker {
	struct search *search;
	pthread_t thread;
	struct job *job;
	uint64_t number; /* of the job */
	struct jp_token_scan scan;
	char chunk[CHUNK];
};

static struct job *
job_of(struct search *search, uint64_t number)
{
	return &search->jobs[number % JOBS];
}

/* ---- A thread that reads ---- */

static enum jp_err
put_finding(void *arg, const struct jp_found *found)
{
	struct worker *worker = arg;
	struct search *search = worker->search;
	struct job *job = worker->job;
	struct finding *finding;

	(void)pthread_mutex_lock(&search->mutex);
	while (job->put - job->got == FINDINGS && !search->stop)
		(void)pthread_cond_wait(&search->room, &search->mutex);
	finding = &job->findings[job->put++ % FINDINGS];
	memcpy(finding->text, found->text, found->len);
	finding->len = found->len;
	finding->checked = found->checked;
	finding->base64 = found->base64;
	finding->line = found->line;
	(void)pthread_cond_signal(&search->news);
	(void)pthread_mutex_unlock(&search->mutex);
	return search->stop ? JP_ERR_IO : JP_ERR_OK;
}

/* Of streams, and of standard input, one is read at a time. */
static bool
wait_for_turn(struct worker *worker, bool stream)
{
	struct search *search = worker->search;

	(void)pthread_mutex_lock(&search->mutex);
	worker->job->stream = stream;
	while (search->head != worker->number && !search->stop)
		(void)pthread_cond_wait(&search->turn, &search->mutex);
	(void)pthread_mutex_unlock(&search->mutex);
	return !search->stop;
}

/* Only what may take for ever is to be cancelled. */
static int
open_patiently(const char *path, int flags)
{
	int state, fd;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return fd;
}

static ssize_t
read_patiently(int fd, void *bytes, size_t len)
{
	ssize_t got;
	int state;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	do
		got = read(fd, bytes, len);
	while (got < 0 && errno == EINTR);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return got;
}

/* It was a regular file when we walked. */
static int
open_below(struct walked_file *file)
{
	struct stat st;
	int fd = open_patiently(file->path, O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	(void)close(fd);
	file->special = true;
	return -1;
}

static int
open_input(struct worker *worker)
{
	struct stat st;
	bool stream = fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode);

	return wait_for_turn(worker, stream) ? STDIN_FILENO : -1;
}

static int
open_file(struct worker *worker)
{
	struct walked_file *file = &worker->job->file;
	struct stat st;

	if (file->path == NULL)
		return open_input(worker);
	if (file->below)
		return open_below(file);
	if (stat(file->path, &st) == 0 && !S_ISREG(st.st_mode) &&
	    !wait_for_turn(worker, true))
		return -1;
	return open_patiently(file->path, 0);
}

static void
read_file(struct worker *worker, int fd)
{
	enum jp_err err = JP_ERR_OK;
	ssize_t got = 1;

	jp_token_scan_start(&worker->scan, worker->search->searcher->prefix,
	    put_finding, worker);
	while (got > 0 && err == JP_ERR_OK && !worker->search->stop) {
		got = read_patiently(fd, worker->chunk, sizeof(worker->chunk));
		if (got < 0)
			worker->job->file.error = errno;
		if (got <= 0)
			break;
		err = jp_token_scan_feed(
		    &worker->scan, worker->chunk, (size_t)got);
		worker->search->done += (uint64_t)got;
	}
	(void)jp_token_scan_end(&worker->scan);
}

static void
search_file(struct worker *worker)
{
	struct walked_file *file = &worker->job->file;
	int fd;

	if (file->error != 0 || file->special)
		return;
	fd = open_file(worker);
	if (fd < 0 && !file->special)
		file->error = errno;
	if (fd < 0)
		return;
	read_file(worker, fd);
	if (file->path != NULL)
		(void)close(fd);
}

/* The next file that waits for a thread; false: there will be none. */
static bool
take_job(struct worker *worker)
{
	struct search *search = worker->search;

	(void)pthread_mutex_lock(&search->mutex);
	search->idle++;
	while (search->taken == search->tail && !search->stop)
		(void)pthread_cond_wait(&search->work, &search->mutex);
	search->idle--;
	worker->number = search->taken;
	worker->job = job_of(search, search->taken);
	if (!search->stop)
		search->taken++;
	(void)pthread_mutex_unlock(&search->mutex);
	return !search->stop;
}

static void
end_job(struct worker *worker)
{
	struct search *search = worker->search;

	(void)pthread_mutex_lock(&search->mutex);
	worker->job->done = true;
	(void)pthread_cond_signal(&search->news);
	(void)pthread_mutex_unlock(&search->mutex);
}

static void *
work(void *arg)
{
	struct worker *worker = arg;
	int state;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (take_job(worker)) {
		search_file(worker);
		end_job(worker);
	}
	return NULL;
}

/* ---- The caller's thread ---- */

static size_t
processors(void)
{
	cpu_set_t set;
	size_t count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = (size_t)CPU_COUNT(&set);
	return count < THREADS_MAX ? count : THREADS_MAX;
}

static int
start_thread(struct worker *worker)
{
	pthread_attr_t attr;
	int rc;

	rc = pthread_attr_init(&attr);
	if (rc != 0)
		return rc;
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	rc = pthread_create(&worker->thread, &attr, work, worker);
	(void)pthread_attr_destroy(&attr);
	return rc;
}

/* One more thread, if there is work for it. It takes only one to go on. */
static enum jp_err
add_worker(struct search *search, bool wanted, struct jp_why *why)
{
	struct worker *worker;
	int rc = ENOMEM;

	if (!wanted || search->worker_len == search->worker_max)
		return JP_ERR_OK;
	worker = calloc(1, sizeof(*worker));
	if (worker != NULL) {
		worker->search = search;
		rc = start_thread(worker);
	}
	if (rc == 0) {
		search->workers[search->worker_len++] = worker;
		return JP_ERR_OK;
	}
	free(worker);
	search->worker_max = search->worker_len;
	if (search->worker_len > 0)
		return JP_ERR_OK;
	return jp_why(why, jp_err_from_errno(rc), "cannot start a thread: %s",
	    strerror(rc));
}

/* Puts files into the ring until it is full. */
static enum jp_err
fill(struct search *search, struct file_walk *walk, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;
	bool more = true;

	while (err == JP_ERR_OK && more && search->tail - search->head < JOBS) {
		struct walked_file file;
		bool wanted = false;

		err = file_walk_next(walk, &file, &more);
		if (err != JP_ERR_OK || !more)
			break;
		(void)pthread_mutex_lock(&search->mutex);
		*job_of(search, search->tail) = (struct job){ .file = file };
		search->tail++;
		wanted = search->idle < search->tail - search->taken;
		(void)pthread_cond_signal(&search->work);
		(void)pthread_mutex_unlock(&search->mutex);
		err = add_worker(search, wanted, why);
	}
	return err;
}

static enum jp_err
hand_over(struct search *search, const struct job *job, struct finding *finding)
{
	const struct file_searcher *searcher = search->searcher;
	struct jp_found found = {
		.text = finding->text,
		.len = finding->len,
		.checked = finding->checked,
		.base64 = finding->base64,
		.line = finding->line,
	};

	(void)jp_token_parse(found.text, found.len, &found.token);
	return searcher->found(searcher->arg, &job->file, &found);
}

/* The first file is over: the next one is the first. */
static void
retire(struct search *search, struct job *job)
{
	search->searcher->ended(search->searcher->arg, &job->file);
	free(job->file.path);
	job->file.path = NULL;
	(void)pthread_mutex_lock(&search->mutex);
	search->head++;
	(void)pthread_cond_broadcast(&search->turn);
	(void)pthread_mutex_unlock(&search->mutex);
}

/* Waits for news of the first file, which had none. */
static void
wait_for_news(struct search *search, struct job *job, bool stream)
{
	const struct file_searcher *searcher = search->searcher;
	bool again = searcher->waits(searcher->arg, stream, search->done);
	int64_t until = jp_now_ms() + PAUSE_MS;

	(void)pthread_mutex_lock(&search->mutex);
	while (job->put == job->got && !job->done && job->stream == stream)
		if (!again)
			(void)pthread_cond_wait(&search->news, &search->mutex);
		else if (!jp_cond_wait_until(
		             &search->news, &search->mutex, until))
			break;
	(void)pthread_mutex_unlock(&search->mutex);
}

/* One thing that the first file has to say. */
static enum jp_err
serve_first(struct search *search)
{
	struct job *job = job_of(search, search->head);
	struct finding finding;
	enum jp_err err = JP_ERR_OK;
	bool any, done, stream;

	(void)pthread_mutex_lock(&search->mutex);
	any = job->put != job->got;
	done = job->done;
	stream = job->stream;
	if (any) {
		struct finding *first = &job->findings[job->got++ % FINDINGS];

		finding = *first;
		sodium_memzero(first, sizeof(*first));
		(void)pthread_cond_broadcast(&search->room);
	}
	(void)pthread_mutex_unlock(&search->mutex);
	if (any) {
		err = hand_over(search, job, &finding);
		sodium_memzero(&finding, sizeof(finding));
	} else if (done)
		retire(search, job);
	else
		wait_for_news(search, job, stream);
	return err;
}

/* Ends the threads, also those that wait for a stream. */
static void
end_workers(struct search *search)
{
	(void)pthread_mutex_lock(&search->mutex);
	search->stop = true;
	(void)pthread_cond_broadcast(&search->work);
	(void)pthread_cond_broadcast(&search->room);
	(void)pthread_cond_broadcast(&search->turn);
	(void)pthread_mutex_unlock(&search->mutex);
	for (size_t i = 0; i < search->worker_len; i++) {
		struct worker *worker = search->workers[i];

		(void)pthread_cancel(worker->thread);
		(void)pthread_join(worker->thread, NULL);
		sodium_memzero(worker, sizeof(*worker));
		free(worker);
	}
}

static void
end_search(struct search *search)
{
	end_workers(search);
	for (; search->head < search->tail; search->head++)
		free(job_of(search, search->head)->file.path);
	(void)pthread_cond_destroy(&search->work);
	(void)pthread_cond_destroy(&search->news);
	(void)pthread_cond_destroy(&search->room);
	(void)pthread_cond_destroy(&search->turn);
	(void)pthread_mutex_destroy(&search->mutex);
	sodium_memzero(search, sizeof(*search));
	free(search);
}

enum jp_err
file_search(const struct file_searcher *searcher, struct file_walk *walk,
    struct jp_why *why)
{
	struct search *search = calloc(1, sizeof(*search));
	enum jp_err err;

	if (search == NULL)
		return JP_ERR_NOMEM;
	search->searcher = searcher;
	search->worker_max = processors();
	(void)pthread_mutex_init(&search->mutex, NULL);
	jp_cond_init(&search->work);
	jp_cond_init(&search->news);
	jp_cond_init(&search->room);
	jp_cond_init(&search->turn);
	err = fill(search, walk, why);
	while (err == JP_ERR_OK && search->head < search->tail) {
		err = serve_first(search);
		if (err == JP_ERR_OK)
			err = fill(search, walk, why);
	}
	end_search(search);
	return err;
}
