/*
 * pat_clusterd/: pat-clusterd, the link between patd and PostgreSQL.
 *
 * What `pat-admin cluster init` makes there: schema.sql, as one text.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

/* The newest format of the schema that this program knows. */
#define SCHEMA_FORMAT 2

/* What is said where it has another one. */
#define SCHEMA_OTHER                                                           \
	"the schema in the database is of another version of jira-pat: "       \
	"install the same one on all hosts"

const char *schema_sql(void);

#endif
