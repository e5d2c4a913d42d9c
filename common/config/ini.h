/*
 * The lines of the configuration file, fed to inih, and the sections that they
 * stand in. Which keys there are is in common/config/keys.h.
 */
#ifndef JP_INI_H
#define JP_INI_H

#include <stdio.h>

#include "common/config/settings.h"

/*
 * Reads `file`, which `settings->file` names, into `settings`. JP_ERR_CONFIG
 * names file, line and key of the first error; JP_ERR_IO.
 */
enum jp_err
jp_ini_read(FILE *file, struct jp_settings *settings, struct jp_why *why);

#endif
