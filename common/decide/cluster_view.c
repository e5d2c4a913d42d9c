#include "common/decide/cluster_view.h"

static const struct {
	const char *name, *text;
} links[] = {
#define LINK(code, number, name, text) [number] = { name, text },
	JP_CLUSTER_LINK_LIST(LINK)
#undef LINK
};

const char *
jp_cluster_link_name(enum jp_cluster_link link)
{
	return (unsigned)link < JP_CLUSTER_LINK_COUNT ? links[link].name
	                                              : "unknown";
}

const char *
jp_cluster_link_text(enum jp_cluster_link link)
{
	return (unsigned)link < JP_CLUSTER_LINK_COUNT ? links[link].text
	                                              : "unknown";
}
