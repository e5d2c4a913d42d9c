/*
 * Blocks of nginx's configuration: which locations ask pat-httpd
 * (auth_request), what holds in them, and where it goes wrong. The whole of it
 * is read twice: who asks whom may come after what is judged.
 */
#ifndef DOCTOR_NGINX_BLOCKS_H
#define DOCTOR_NGINX_BLOCKS_H

#include "tools/doctor/config_files.h"

enum {
	NGINX_WORDS_MAX = 16,
	NGINX_BLOCKS_MAX = 16, /* inside each other */
	NGINX_NAMES_MAX = 16,
	NGINX_NAME_MAX = 128,
};

struct nginx_directive {
	const char *file;
	unsigned int line;
	char *words[NGINX_WORDS_MAX]; /* its name is the first */
	size_t len;
};

struct nginx_place {
	char file[CONFIG_PATH_MAX];
	unsigned int line; /* 0: nowhere */
};

struct nginx_names {
	char at[NGINX_NAMES_MAX][NGINX_NAME_MAX];
	size_t len;
};

struct nginx_block {
	char name[NGINX_NAME_MAX];   /* of a location or an upstream */
	char target[NGINX_NAME_MAX]; /* of auth_request; "": none */
	char pass[NGINX_NAME_MAX];   /* where it goes */
	bool question;               /* what it sends is one for us */
	bool sets_headers;           /* it has a proxy_set_header */
	bool no_token;               /* Authorization is replaced */
	bool no_user;                /* the header of the page's user, too */
	bool no_headers;             /* only headers that are listed */
	struct nginx_place pass_at;  /* its own */
	struct nginx_place fcgi_at;  /* the same of FastCGI */
	struct nginx_place proxy_cache_at; /* one that is on here */
	struct nginx_place fcgi_cache_at;
};

struct nginx_blocks {
	struct config_scan *scan;
	bool again;                  /* the second time */
	bool judge;                  /* the same, and somebody asks us */
	struct nginx_names targets;  /* of auth_request, everywhere */
	struct nginx_names ours;     /* locations that ask us */
	struct nginx_names upstream; /* where they ask */
	struct nginx_names pages;    /* upstreams that are the page */
	bool has_page;               /* some location passes to the page */
	size_t depth;                /* blocks that are open */
	struct nginx_block blocks[NGINX_BLOCKS_MAX]; /* [0]: outside of all */
};

/* A directive that ends at `stop`: ';' it does, '{' it opens a block. */
void nginx_blocks_take(struct nginx_blocks *blocks,
    const struct nginx_directive *directive, char stop);

/* The '}' of a block. */
void nginx_blocks_close(struct nginx_blocks *blocks);

/*
 * Between the two readings: whether some location asks us. The second one has
 * something to judge then, and if there is a page.
 */
bool nginx_blocks_judge(struct nginx_blocks *blocks);

#endif
