#include "pat_clusterd/schema.h"

#include "pat_clusterd/schema_bytes.inc"

const char *
schema_sql(void)
{
	return schema_bytes;
}
