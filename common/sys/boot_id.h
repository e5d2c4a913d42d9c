/*
 * Which boot of which kernel this is: what tells a process of today from one
 * before the machine was started anew, or on another machine.
 */
#ifndef JP_BOOT_ID_H
#define JP_BOOT_ID_H

#define JP_BOOT_ID_LEN 40

/*
 * The kernel's text for it (random(4), boot_id), NUL-terminated; "" where /proc
 * shows processes only.
 */
void jp_boot_id(char boot[JP_BOOT_ID_LEN]);

#endif
