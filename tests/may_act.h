/*
 * Who may act for whom in tests of SASL, as SASL_CB_PROXY_POLICY asks: "boss"
 * for anybody, and everybody for himself.
 */
#ifndef JP_TESTS_MAY_ACT_H
#define JP_TESTS_MAY_ACT_H

#include <sasl/sasl.h>
#include <string.h>

static inline int
may_act(sasl_conn_t *conn, void *context, const char *user, unsigned int ulen,
    const char *authid, unsigned int alen, const char *realm, unsigned int rlen,
    struct propctx *properties)
{
	(void)conn;
	(void)context;
	(void)realm;
	(void)rlen;
	(void)properties;
	if (alen == 4 && memcmp(authid, "boss", 4) == 0)
		return SASL_OK;
	return ulen == alen && memcmp(user, authid, alen) == 0 ? SASL_OK
	                                                       : SASL_NOAUTHZ;
}

#endif
