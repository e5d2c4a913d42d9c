/*
 * Which boot of which kernel this is: what tells a process of today from one
 * before the machine was started anew, or on another machine.
 */
#ifndef JP_BOOT_ID_H
#define JP_BOOT_ID_H

#define JP_BOOT_ID_LEN 40

/* Of the environment: the same without "-", as systemd.unit(5) has it (%b). */
#define JP_BOOT_ID_VARIABLE "JIRA_PAT_BOOT_ID"

/*
 * The kernel's text for it (random(4), boot_id), NUL-terminated. Where /proc
 * shows processes only it is made of the variable, which patd.service sets; ""
 * where there is none.
 */
void jp_boot_id(char boot[JP_BOOT_ID_LEN]);

#endif
