/*
 * Who holds the leases of a node: another machine of the same name, as after a
 * copy, is another holder.
 *
 * A lease is in the memory of the process that owns the store. So two holders
 * are the same only if it is certain that the process of the one before has
 * ended: the same directory of the same kernel, since its lock (store.lock)
 * lets one process in at a time, and since all processes end with the kernel. A
 * copy of the store has another directory, and a machine that has booted is
 * another one: nobody can tell it from a copy.
 */
#ifndef JP_HOLDER_H
#define JP_HOLDER_H

#include "common/cluster/link.h"

/*
 * For who owns the store in `dir`. Where something cannot be known: one that is
 * like no other, by chance.
 */
void jp_holder_make(uint8_t holder[JP_LINK_HOLDER_LEN], const char *dir);

#endif
