/*
 * The SASL mechanisms that take a token, each a row: its name, the start of
 * the name of its step in sasl_plugin/mechanisms.c, and its features, flags of
 * libsasl2's <sasl/saslplug.h>, which whoever uses them includes. The plugin
 * makes all of its tables from this list; the doctor and the tests read it,
 * too. In the order in which libjirapat(5) lists them.
 */
#ifndef JP_SASL_MECHANISMS_H
#define JP_SASL_MECHANISMS_H

#define JP_SASL_MECHANISMS(X)                                                  \
	X(PLAIN, plain, SASL_FEAT_WANT_CLIENT_FIRST | SASL_FEAT_ALLOWS_PROXY)  \
	X(LOGIN, login, 0)                                                     \
	X(OAUTHBEARER, oauthbearer, SASL_FEAT_WANT_CLIENT_FIRST)               \
	X(XOAUTH2, xoauth2, SASL_FEAT_WANT_CLIENT_FIRST)

#endif
