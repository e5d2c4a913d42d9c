#include "tools/formats/trail_tell.h"

#include <stdio.h>
#include <unistd.h>

#include "common/audit/audit.h"
#include "common/sys/process.h"

static enum jp_err
write_event(const struct jp_settings *settings, struct jp_audit_event *event,
    struct jp_why *why)
{
	struct jp_audit *audit = NULL;
	struct jp_pepper pepper;
	enum jp_err err = jp_pepper_load(settings->pepper_file, &pepper, why);

	if (err == JP_ERR_OK)
		err =
		    jp_audit_make(&audit, settings, &pepper, &jp_system_clock);
	jp_pepper_clear(&pepper);
	if (err == JP_ERR_OK)
		err = jp_audit_ready(audit, why);
	if (err == JP_ERR_OK)
		err = jp_audit_acts(audit, event, 1, why);
	jp_audit_close(audit);
	return err;
}

void
trail_tell(const struct jp_settings *settings, const struct owner *owner,
    const char *name, const char *detail)
{
	struct jp_audit_event event = { .event = name };
	struct jp_why why = { .text = "" };
	enum jp_err err;

	(void)snprintf(event.detail, sizeof(event.detail), "%s", detail);
	jp_actor_name(getuid(), event.actor);
	err = act_as(owner, &why);
	if (err == JP_ERR_OK)
		err = write_event(settings, &event, &why);
	act_as_self();
	if (err != JP_ERR_OK)
		(void)fprintf(
		    stderr, "This is not in the audit trail: %s\n", why.text);
}
