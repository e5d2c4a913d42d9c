/*
 * The process itself: who it runs as, what it may do, its descriptors.
 */
#ifndef JP_PROCESS_H
#define JP_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "common/base/err.h"
#include "common/base/text.h"
#include "common/sys/account.h"

/*
 * Becomes `user` for good, with its groups, if this process is root and `user`
 * is another: JP_ERR_CONFIG if there is no such user.
 */
enum jp_err jp_become(const char *user, struct jp_why *why);

/* The same of an account that was found before. */
enum jp_err
jp_become_account(const struct jp_account *account, struct jp_why *why);

/*
 * The name of `uid` for records, as who created or revoked a token: the local
 * account's, or "uid:N". May ask a name service.
 */
void jp_actor_name(uid_t uid, char name[JP_ACTOR_MAX + 1]);

/*
 * Opens those of the three standard descriptors that are closed, so that none
 * of them becomes a file of the store; writes to them still fail. Programs call
 * it first.
 */
void jp_hold_descriptors(void);

/*
 * Prepares a process that handles secrets: no core files, no ptrace, no new
 * privileges, files of mode 0600 at most, libsodium ready.
 */
void jp_harden_process(void);

/*
 * Has the dynamic linker bind all functions at the start of the process instead
 * of each at its first call, which saves all registers on the stack, and with
 * them what was copied last: perhaps a token. It takes that from its
 * environment alone, so the process begins once more, with `argv`; where it
 * cannot, it goes on. Programs call it before they open anything.
 */
void jp_bind_now(char **argv);

/*
 * Raises the limit on open files as far as this process may, and returns for
 * how many of `connections` it suffices, `reserve` descriptors aside; a warning
 * is logged if they are fewer.
 */
uint32_t jp_raise_descriptors(uint32_t connections, uint32_t reserve);

#endif
