/*
 * The list of commands, and what their files know of each other: the names.
 * A command is a file here and one row.
 */
#ifndef PAT_ADMIN_COMMANDS_H
#define PAT_ADMIN_COMMANDS_H

#include "tools/cli/command.h"

/* In the order of the help. A group of them begins where its name stands. */
#define COMMAND_LIST(X)                                                        \
	X("Tokens", create)                                                    \
	X(NULL, list)                                                          \
	X(NULL, show)                                                          \
	X(NULL, revoke)                                                        \
	X(NULL, disable)                                                       \
	X(NULL, enable)                                                        \
	X(NULL, rotate)                                                        \
	X(NULL, expiring)                                                      \
	X(NULL, notify)                                                        \
	X("Decisions", test)                                                   \
	X(NULL, identify)                                                      \
	X("Users and policy", user)                                            \
	X(NULL, sync_users)                                                    \
	X(NULL, policy)                                                        \
	X(NULL, upstream)                                                      \
	X("Watching", audit)                                                   \
	X(NULL, stats)                                                         \
	X(NULL, check)                                                         \
	X(NULL, guard)                                                         \
	X("The store", init)                                                   \
	X(NULL, backup)                                                        \
	X(NULL, restore)                                                       \
	X(NULL, export)                                                        \
	X(NULL, import)                                                        \
	X(NULL, purge)                                                         \
	X("Several hosts", cluster)

#define COMMAND_DECLARE(group, name) extern const struct command cmd_##name;
COMMAND_LIST(COMMAND_DECLARE)
#undef COMMAND_DECLARE

#endif
