/*
 * The texts of the page, in every language: a new language is a column, and a
 * row of LANG_LIST. A text is no markup; {0} to {2} are where its arguments
 * go, which each language has in its own order.
 */
#ifndef PATHTTPD_TEXTS_H
#define PATHTTPD_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "pat_httpd/self/html.h"

/* X(CODE, tag, name): RFC 5646; the first one is for those who say nothing. */
#define LANG_LIST(X)                                                           \
	X(EN, "en", "English")                                                 \
	X(DE, "de", "Deutsch")

enum lang {
#define LANG_ENUM(code, tag, name) LANG_##code,
	LANG_LIST(LANG_ENUM)
#undef LANG_ENUM
	    LANG_COUNT
};

/* X(CODE, English, German) */
#define TEXT_LIST(X)                                                            \
	/* The frame. */                                                        \
	X(SITE, "Access tokens", "Zugriffstoken")                               \
	X(SKIP, "Skip to the content", "Zum Inhalt springen")                   \
	X(NAV, "Pages", "Seiten")                                               \
	X(NAV_LIST, "Your tokens", "Ihre Token")                                \
	X(NAV_NEW, "New token", "Neues Token")                                  \
	X(NAV_ADMIN, "All users", "Alle Benutzer")                              \
	X(SIGNED_IN, "Signed in as {0}", "Angemeldet als {0}")                  \
	X(SIGN_OUT, "Sign out", "Abmelden")                                     \
	X(SIGN_IN, "Sign in again", "Erneut anmelden")                          \
	X(LANGUAGES, "Language", "Sprache")                                     \
	X(BACK, "Back to your tokens", "Zurück zu Ihren Token")                 \
	X(CANCEL, "Cancel", "Abbrechen")                                        \
	/* The list. */                                                         \
	X(LIST_TITLE, "Your access tokens", "Ihre Zugriffstoken")               \
	X(LIST_INTRO,                                                           \
	    "A token stands in for your password in scripts and tools. Make "   \
	    "one for each of them, with no more rights than it needs.",         \
	    "Ein Token vertritt Ihr Passwort in Skripten und Werkzeugen. "      \
	    "Erstellen Sie für jedes ein eigenes, mit nicht mehr Rechten als " \
	    "nötig.")                                                           \
	X(LIST_NONE, "You have no tokens yet.", "Sie haben noch keine Token.")  \
	X(LIST_NO_MATCH, "No token matches.", "Kein Token passt dazu.")         \
	X(LIST_ONE, "1 token", "1 Token")                                       \
	X(LIST_MANY, "{0} tokens", "{0} Token")                                 \
	X(LIST_CUT, "Only the first {0} are shown: search for the others.",     \
	    "Nur die ersten {0} sind zu sehen: Suchen Sie nach den anderen.")   \
	X(SEARCH_FORM, "Search and filter", "Suchen und filtern")               \
	X(SEARCH, "Search by name or ID", "Nach Name oder ID suchen")           \
	X(SEARCH_GO, "Show", "Anzeigen")                                        \
	X(FILTER_STATE, "State", "Zustand")                                     \
	X(FILTER_ALL, "All", "Alle")                                            \
	X(FILTER_USABLE, "All but ended ones", "Alle außer beendeten")          \
	X(FILTER_LIVE, "Live", "Gültig")                                        \
	X(FILTER_PAUSED, "Paused", "Pausiert")                                  \
	X(FILTER_DEAD, "Ended", "Beendet")                                      \
	X(FILTER_SHOW_DEAD, "Show ended tokens, too",                           \
	    "Auch beendete anzeigen")                                           \
	/* A token. */                                                          \
	X(NO_NAME, "(no name)", "(ohne Namen)")                                 \
	X(ID, "ID", "ID")                                                       \
	X(USER, "User", "Benutzer")                                             \
	X(OWNER_GROUP, "Managed by the group", "Verwaltet von der Gruppe")      \
	X(PARENT, "Child of", "Abgeleitet von")                                 \
	X(RIGHTS, "Rights", "Rechte")                                           \
	X(EXPIRES, "Expires", "Läuft ab")                                       \
	X(ENDED, "Ended", "Beendet")                                            \
	X(CREATED, "Created", "Erstellt")                                       \
	X(CREATED_BY, "by {0}", "von {0}")                                      \
	X(LAST_USED, "Last used", "Zuletzt benutzt")                            \
	X(USED_FROM, "from {0}", "von {0}")                                     \
	X(USED_LOCALLY, "from this machine", "von diesem Rechner")              \
	X(USED_FOR, "for {0}", "für {0}")                                       \
	X(USES_RECENT, "Recent addresses", "Letzte Adressen")                   \
	X(USE_COUNT, "Uses: {0}", "Verwendungen: {0}")                          \
	X(SOON, "Expires soon", "Läuft bald ab")                                \
	X(NEVER, "never", "nie")                                                \
	X(REVOKED_WHY, "Reason", "Grund")                                       \
	X(DETAILS, "Details", "Details")                                        \
	/* Times. */                                                            \
	X(TIME_SOON, "in less than a minute", "in weniger als einer Minute")    \
	X(IN_MINUTE, "in 1 minute", "in 1 Minute")                              \
	X(IN_MINUTES, "in {0} minutes", "in {0} Minuten")                       \
	X(IN_HOUR, "in 1 hour", "in 1 Stunde")                                  \
	X(IN_HOURS, "in {0} hours", "in {0} Stunden")                           \
	X(IN_DAY, "in 1 day", "in 1 Tag")                                       \
	X(IN_DAYS, "in {0} days", "in {0} Tagen")                               \
	X(TIME_NOW, "just now", "gerade eben")                                  \
	X(AGO_MINUTE, "1 minute ago", "vor 1 Minute")                           \
	X(AGO_MINUTES, "{0} minutes ago", "vor {0} Minuten")                    \
	X(AGO_HOUR, "1 hour ago", "vor 1 Stunde")                               \
	X(AGO_HOURS, "{0} hours ago", "vor {0} Stunden")                        \
	X(AGO_DAY, "1 day ago", "vor 1 Tag")                                    \
	X(AGO_DAYS, "{0} days ago", "vor {0} Tagen")                            \
	/* States: one for each of JP_STATE_LIST. */                            \
	X(STATE_REVOKED, "revoked", "widerrufen")                               \
	X(STATE_SUPERSEDED, "renewed", "erneuert")                              \
	X(STATE_EXPIRED, "expired", "abgelaufen")                               \
	X(STATE_LIVE, "live", "gültig")                                         \
	X(STATE_REPLACED, "renewed; still works for a while",                   \
	    "erneuert; gilt noch eine Weile")                                   \
	X(STATE_UNUSED, "paused: unused for too long",                          \
	    "pausiert: zu lange nicht benutzt")                                 \
	X(STATE_USER_DISABLED, "paused: the user is disabled",                  \
	    "pausiert: Benutzer gesperrt")                                      \
	X(STATE_PREFIX, "ended: its prefix is no longer accepted",              \
	    "beendet: sein Präfix gilt nicht mehr")                             \
	X(STATE_DISABLED, "disabled", "deaktiviert")                            \
	X(STATE_PARENT, "ended with the token that it came from",               \
	    "mit seinem Ausgangs-Token beendet")                                \
	X(STATE_PARENT_PAUSED, "paused with the token that it came from",       \
	    "mit seinem Ausgangs-Token pausiert")                               \
	X(STATE_USED_UP, "used up", "aufgebraucht")                             \
	X(STATE_UNCLAIMED, "not fetched yet", "noch nicht abgeholt")            \
	/* Rights in words. */                                                  \
	X(MAY_ALL, "Everything", "Alles")                                       \
	X(MAY_READ, "Read only ({0})", "Nur lesen ({0})")                       \
	X(MAY_SCOPES, "Limited to {0}", "Beschränkt auf {0}")                   \
	X(MAY_EVERY_SCOPE, "Read and write", "Lesen und schreiben")             \
	X(MAY_TOKENS, "Creates further tokens", "Erstellt weitere Token")       \
	X(MAY_SERVICES, "For {0}", "Für {0}")                                   \
	X(MAY_NETS, "Only from {0}", "Nur von {0}")                             \
	X(MAY_USES, "{0} of {1} uses left", "Noch {0} von {1} Verwendungen")    \
	/* A new token. */                                                      \
	X(NEW_TITLE, "New access token", "Neues Zugriffstoken")                 \
	X(NEW_NAME, "Name", "Name")                                             \
	X(NEW_NAME_HINT, "What uses it, such as \"nightly build\".",            \
	    "Was es benutzt, etwa „nächtlicher Build“.")                        \
	X(NEW_LIFETIME, "Lifetime", "Gültigkeit")                               \
	X(LIFETIME_DAY, "1 day", "1 Tag")                                       \
	X(LIFETIME_DAYS, "{0} days", "{0} Tage")                                \
	X(LIFETIME_HOUR, "1 hour", "1 Stunde")                                  \
	X(LIFETIME_HOURS, "{0} hours", "{0} Stunden")                           \
	X(LIFETIME_MINUTES, "{0} minutes", "{0} Minuten")                       \
	X(LIFETIME_NEVER, "Does not expire", "Läuft nicht ab")                  \
	X(LIFETIME_CUSTOM, "Until the date below", "Bis zum Datum unten")       \
	X(NEW_EXPIRES, "Expires on", "Läuft ab am")                             \
	X(NEW_EXPIRES_HINT,                                                     \
	    "Only with \"Until the date below\"; at 00:00 UTC of that day.",    \
	    "Nur mit „Bis zum Datum unten“; um 0 Uhr UTC an diesem Tag.")       \
	X(NEW_SCOPES, "What it may do", "Was es darf")                          \
	X(NEW_SCOPES_HINT, "None chosen: everything that you may do.",          \
	    "Nichts gewählt: alles, was Sie dürfen.")                           \
	X(NEW_SCOPES_MUST, "Choose at least one.",                              \
	    "Wählen Sie mindestens eines.")                                     \
	X(SCOPE_READS, "reads only", "liest nur")                               \
	X(SCOPE_TOKENS, "creates and revokes your tokens",                      \
	    "erstellt und widerruft Ihre Token")                                \
	X(NEW_SERVICES, "Where it is accepted", "Wo es gilt")                   \
	X(NEW_SERVICES_HINT, "None chosen: everywhere.",                        \
	    "Nichts gewählt: überall.")                                         \
	X(NEW_HERE, "Only from the address that you use now ({0})",             \
	    "Nur von Ihrer jetzigen Adresse ({0})")                             \
	X(NEW_NETS, "Only from these networks", "Nur aus diesen Netzen")        \
	X(NEW_NETS_HINT,                                                        \
	    "Addresses and networks, such as 192.0.2.0/24, with blanks "        \
	    "between them. Empty: from anywhere.",                              \
	    "Adressen und Netze wie 192.0.2.0/24, mit Leerzeichen "             \
	    "dazwischen. Leer: von überall.")                                   \
	X(NEW_USES, "How often it may be used",                                 \
	    "Wie oft es benutzt werden darf")                                   \
	X(NEW_USES_HINT, "Empty: as often as you like.",                        \
	    "Leer: beliebig oft.")                                              \
	X(NEW_LIMITS, "More limits", "Weitere Einschränkungen")                 \
	X(NEW_CHILD, "Create a child token", "Token ableiten")                  \
	X(NEW_CHILD_INTRO,                                                      \
	    "A child token is for a job that needs less, or only for an "       \
	    "hour. It ends with this one.",                                     \
	    "Ein abgeleitetes Token ist für Aufgaben, die weniger brauchen "   \
	    "oder nur eine Stunde. Es endet mit diesem.")                       \
	X(NEW_PARENT, "Child of this token", "Abgeleitet von diesem Token")     \
	X(NEW_PARENT_HINT,                                                      \
	    "It never gets more rights than that one, and ends with it.",       \
	    "Es bekommt nie mehr Rechte als jenes und endet mit ihm.")          \
	X(NEW_GO, "Create the token", "Token erstellen")                        \
	/* It is shown once. */                                                 \
	X(SHOWN_TITLE, "Your new token", "Ihr neues Token")                     \
	X(SHOWN_ONCE,                                                           \
	    "Copy the token now. It is shown this once; nobody can show it "    \
	    "again.",                                                           \
	    "Kopieren Sie das Token jetzt. Es erscheint nur dieses eine Mal; "  \
	    "niemand kann es noch einmal anzeigen.")                            \
	X(SHOWN_TOKEN, "Token", "Token")                                        \
	X(COPY, "Copy", "Kopieren")                                             \
	X(COPIED, "Copied.", "Kopiert.")                                        \
	X(COPY_FAILED, "Not copied: select the token and copy it yourself.",    \
	    "Nicht kopiert: Markieren und kopieren Sie das Token selbst.")      \
	X(SHOWN_USE, "How to use it", "So benutzen Sie es")                     \
	X(SHOWN_SHELL, "First put it into a variable of your shell:",           \
	    "Legen Sie es zuerst in einer Variablen Ihrer Shell ab:")           \
	X(SHOWN_BASIC, "As the password of your user name (Basic)",             \
	    "Als Passwort zu Ihrem Benutzernamen (Basic)")                      \
	X(SHOWN_BEARER, "Alone (Bearer)", "Allein (Bearer)")                    \
	X(SHOWN_NEXT, "What to do next", "Wie es weitergeht")                   \
	X(NEXT_STORE,                                                           \
	    "Store it where your secrets are kept: a password "                 \
	    "manager, or the secrets of your CI. Not in a file of a project.",  \
	    "Legen Sie es dort ab, wo Ihre Geheimnisse liegen: im "             \
	    "Passwortmanager oder bei den Secrets Ihrer CI. Nicht in einer "    \
	    "Datei eines Projekts.")                                            \
	X(NEXT_RENEW, "Renew it before it expires: {0}.",                       \
	    "Erneuern Sie es, bevor es abläuft: {0}.")                          \
	X(NEXT_LOST, "Revoke it at once if anybody else may have seen it.",     \
	    "Widerrufen Sie es sofort, wenn jemand anderes es gesehen haben "   \
	    "kann.")                                                            \
	X(SHOWN_OLD, "The old token {0} works until {1}.",                      \
	    "Das alte Token {0} gilt bis {1}.")                                 \
	X(SHOWN_OLD_UNTIL_USE,                                                  \
	    "The old token {0} works until {1}, or until the new one is "       \
	    "first "                                                            \
	    "used.",                                                            \
	    "Das alte Token {0} gilt bis {1} oder bis zur ersten Benutzung "    \
	    "des neuen.")                                                       \
	X(SHOWN_OLD_ENDED, "The old token {0} has ended.",                      \
	    "Das alte Token {0} ist beendet.")                                  \
	/* Renewing. */                                                         \
	X(TOKEN_TITLE, "Token {0}", "Token {0}")                                \
	X(RENEW, "Renew", "Erneuern")                                           \
	X(RENEW_INTRO,                                                          \
	    "You get a new token with the same rights and lifetime. The "       \
	    "old one keeps working for a while, so that you can replace "       \
	    "it without haste.",                                                \
	    "Sie bekommen ein neues Token mit denselben Rechten und "           \
	    "derselben Gültigkeit. Das alte gilt noch eine Weile, damit "      \
	    "Sie es in Ruhe ersetzen können.")                                  \
	X(RENEW_GRACE, "The old one works", "Das alte gilt noch")               \
	X(GRACE_NONE, "no longer", "gar nicht mehr")                            \
	X(GRACE_HOUR, "for 1 hour", "1 Stunde")                                 \
	X(GRACE_DAY, "for 1 day", "1 Tag")                                      \
	X(GRACE_WEEK, "for 7 days", "7 Tage")                                   \
	X(RENEW_KEEP, "Even after the new one has been used",                   \
	    "Auch wenn das neue schon benutzt wurde")                           \
	X(RENEW_GO, "Renew the token", "Token erneuern")                        \
	/* Disabling, revoking. */                                              \
	X(DISABLE, "Disable", "Deaktivieren")                                   \
	X(DISABLE_INTRO,                                                        \
	    "It is not accepted anywhere until you enable it again.",           \
	    "Es wird nirgends angenommen, bis Sie es wieder aktivieren.")       \
	X(ENABLE, "Enable", "Aktivieren")                                       \
	X(REVOKE, "Revoke", "Widerrufen")                                       \
	X(REVOKE_TITLE, "Revoke this token?", "Dieses Token widerrufen?")       \
	X(REVOKE_INTRO,                                                         \
	    "It ends at once, together with the tokens that came from it, "     \
	    "and cannot be brought back.",                                      \
	    "Es endet sofort, zusammen mit allen davon abgeleiteten "           \
	    "Token, und lässt sich nicht wiederherstellen.")                    \
	X(REVOKE_GO, "Revoke the token", "Token widerrufen")                    \
	X(REVOKE_ALL, "Revoke all my tokens", "Alle meine Token widerrufen")    \
	X(REVOKE_ALL_TITLE, "Revoke all of your tokens?",                       \
	    "Alle Ihre Token widerrufen?")                                      \
	X(REVOKE_ALL_INTRO,                                                     \
	    "All of them end at once, including disabled ones, and cannot "     \
	    "be brought back. Whatever uses one of them stops working.",        \
	    "Alle enden sofort, auch die deaktivierten, und lassen sich "       \
	    "nicht wiederherstellen. Was eines davon benutzt, "                 \
	    "funktioniert dann nicht mehr.")                                    \
	X(REVOKE_ALL_GO, "Revoke all", "Alle widerrufen")                       \
	/* What was done. */                                                    \
	X(DONE_DISABLED, "The token is disabled.",                              \
	    "Das Token ist deaktiviert.")                                       \
	X(DONE_ENABLED, "The token is enabled.", "Das Token ist aktiviert.")    \
	X(DONE_REVOKED, "The token is revoked.", "Das Token ist widerrufen.")   \
	X(DONE_REVOKED_ALL, "Your tokens are revoked.",                         \
	    "Ihre Token sind widerrufen.")                                      \
	X(DONE_DISABLED_MANY, "The tokens are disabled.",                       \
	    "Die Token sind deaktiviert.")                                      \
	X(DONE_ENABLED_MANY, "The tokens are enabled.",                         \
	    "Die Token sind aktiviert.")                                        \
	X(DONE_REVOKED_MANY, "The tokens are revoked.",                         \
	    "Die Token sind widerrufen.")                                       \
	/* Fetching one by a link. */                                           \
	X(LINK_TITLE, "Fetch your token", "Ihr Token abholen")                  \
	X(LINK_INTRO,                                                           \
	    "A token was prepared for you. It is shown once, to you alone; "    \
	    "then this link is used up. Fetch it when you can store it.",       \
	    "Für Sie wurde ein Token vorbereitet. Es erscheint einmal, nur "   \
	    "für Sie; danach ist dieser Link verbraucht. Holen Sie es ab, "    \
	    "wenn Sie es ablegen können.")                                      \
	X(LINK_GO, "Fetch the token", "Token abholen")                          \
	/* Administrators. */                                                   \
	X(ADMIN_TITLE, "Tokens of all users", "Token aller Benutzer")           \
	X(ADMIN_USER, "User", "Benutzer")                                       \
	X(ADMIN_SEARCH, "Search by user, name or ID",                           \
	    "Nach Benutzer, Name oder ID suchen")                               \
	X(ADMIN_CHOOSE, "Select {0} of {1}", "{0} von {1} auswählen")           \
	X(ADMIN_REVOKE, "Revoke selected", "Ausgewählte widerrufen")            \
	X(ADMIN_REVOKE_TITLE, "Revoke these tokens?",                           \
	    "Diese Token widerrufen?")                                          \
	X(ADMIN_DISABLE, "Disable selected", "Ausgewählte deaktivieren")        \
	X(ADMIN_ENABLE, "Enable selected", "Ausgewählte aktivieren")            \
	X(ADMIN_NONE_CHOSEN, "No token was selected.",                          \
	    "Es war kein Token ausgewählt.")                                    \
	X(ADMIN_REASON, "Reason, for the audit trail",                          \
	    "Grund, für das Protokoll")                                         \
	X(ADMIN_NEXT, "Next page", "Nächste Seite")                             \
	X(ADMIN_FIRST, "First page", "Erste Seite")                             \
	X(POLICY_TITLE, "Tokens that break the policy",                         \
	    "Token, die gegen die Regeln verstoßen")                            \
	X(POLICY_SHOW, "Check all tokens against the policy",                   \
	    "Alle Token gegen die Regeln prüfen")                               \
	X(POLICY_INTRO,                                                         \
	    "Nothing is changed here. This is what pat-admin policy apply "     \
	    "would do now:",                                                    \
	    "Hier ändert sich nichts. Das würde pat-admin policy apply "      \
	    "jetzt tun:")                                                       \
	X(POLICY_RULE, "Rule", "Regel")                                         \
	X(POLICY_COUNT, "Tokens", "Token")                                      \
	X(POLICY_ACT, "What would be done", "Was geschehen würde")              \
	X(POLICY_LIVE, "Live tokens: {0}.", "Gültige Token: {0}.")              \
	X(POLICY_REVOKE, "they are revoked", "sie werden widerrufen")           \
	X(POLICY_SHORTEN, "their lifetime is shortened",                        \
	    "ihre Gültigkeit wird verkürzt")                                    \
	/* What goes wrong, with what to do. One for each of JP_REFUSAL_LIST,   \
	 * then our own. */                                                     \
	X(ERROR_TITLE, "That did not work", "Das hat nicht geklappt")           \
	X(REFUSAL_NONE, "This was refused by the policy.",                      \
	    "Das lassen die Regeln nicht zu.")                                  \
	X(REFUSAL_NAME_REQUIRED, "Give the token a name.",                      \
	    "Geben Sie dem Token einen Namen.")                                 \
	X(REFUSAL_NAME_INVALID,                                                 \
	    "This name cannot be used: at most 128 bytes, no control "          \
	    "characters, and no token in it.",                                  \
	    "Dieser Name ist nicht möglich: höchstens 128 Byte, keine "       \
	    "Steuerzeichen und kein Token darin.")                              \
	X(REFUSAL_SCOPE_REQUIRED, "Choose at least one right.",                 \
	    "Wählen Sie mindestens ein Recht.")                                 \
	X(REFUSAL_SCOPE_NOT_ALLOWED,                                            \
	    "You may not give this right to a token: choose others.",           \
	    "Dieses Recht dürfen Sie keinem Token geben: Wählen Sie andere.")   \
	X(REFUSAL_SCOPE_INVALID, "There is no such right.",                     \
	    "Dieses Recht gibt es nicht.")                                      \
	X(REFUSAL_LIFETIME_TOO_LONG,                                            \
	    "This lifetime is longer than allowed: choose a shorter one.",      \
	    "Diese Gültigkeit ist länger als erlaubt: Wählen Sie eine "      \
	    "kürzere.")                                                         \
	X(REFUSAL_LIFETIME_PAST,                                                \
	    "This date is in the past: choose a later one.",                    \
	    "Dieses Datum liegt in der Vergangenheit: Wählen Sie ein "         \
	    "späteres.")                                                        \
	X(REFUSAL_TOO_MANY,                                                     \
	    "You have as many tokens as are allowed: revoke one first.",        \
	    "Sie haben schon so viele Token wie erlaubt: Widerrufen Sie "       \
	    "zuerst eines.")                                                    \
	X(REFUSAL_TOO_FAST, "Too many new tokens at once: try again later.",    \
	    "Zu viele neue Token auf einmal: Versuchen Sie es später.")         \
	X(REFUSAL_USER_DISABLED,                                                \
	    "Your access is disabled. Ask your administrators.",                \
	    "Ihr Zugang ist gesperrt. Fragen Sie Ihre Administratoren.")        \
	X(REFUSAL_USER_UNKNOWN,                                                 \
	    "You have no access here yet. Ask your administrators.",            \
	    "Sie haben hier noch keinen Zugang. Fragen Sie Ihre "               \
	    "Administratoren.")                                                 \
	X(REFUSAL_NOT_ALLOWED, "You may not do this.",                          \
	    "Das dürfen Sie nicht.")                                            \
	X(REFUSAL_NOT_LIVE, "The token has ended, or is paused.",               \
	    "Das Token ist beendet oder pausiert.")                             \
	X(REFUSAL_ROTATED, "The token has already been renewed.",               \
	    "Das Token wurde schon erneuert.")                                  \
	X(REFUSAL_WIDER,                                                        \
	    "A child cannot have more than the token that it comes from: "      \
	    "choose fewer rights or a shorter lifetime.",                       \
	    "Ein abgeleitetes Token kann nicht mehr als sein Ausgangs-Token: "  \
	    "Wählen Sie weniger Rechte oder eine kürzere Gültigkeit.")          \
	X(REFUSAL_NEEDS_SCOPE, "A token needs the right tokens for this.",      \
	    "Dafür braucht ein Token das Recht tokens.")                        \
	X(REFUSAL_LINK_GONE,                                                    \
	    "This link does not work: it has been used, has expired, or "       \
	    "is meant for somebody else. Ask your administrators for a "        \
	    "new one.",                                                         \
	    "Dieser Link funktioniert nicht: Er wurde schon benutzt, ist "      \
	    "abgelaufen oder für jemand anderen bestimmt. Bitten Sie Ihre "    \
	    "Administratoren um einen neuen.")                                  \
	X(REFUSAL_NOT_FOUND, "You have no such token.",                         \
	    "Sie haben kein solches Token.")                                    \
	X(REFUSAL_USER_INVALID,                                                 \
	    "Your user name cannot be used here. Ask your administrators.",     \
	    "Ihr Benutzername kann hier nicht verwendet werden. Fragen "        \
	    "Sie Ihre Administratoren.")                                        \
	X(REFUSAL_AUDIT,                                                        \
	    "The audit trail cannot be written, so nothing was done. Tell "     \
	    "your administrators.",                                             \
	    "Das Protokoll lässt sich nicht schreiben, deshalb wurde "         \
	    "nichts geändert. Sagen Sie es Ihren Administratoren.")             \
	X(ERROR_LIFETIME, "Choose a lifetime.", "Wählen Sie eine Gültigkeit.")  \
	X(ERROR_DATE, "Give a date such as 2027-01-31.",                        \
	    "Geben Sie ein Datum wie 2027-01-31 an.")                           \
	X(ERROR_NETS,                                                           \
	    "This is no address or network: {0}. Give at most 16, such as "     \
	    "192.0.2.0/24, without host bits.",                                 \
	    "Das ist keine Adresse und kein Netz: {0}. Geben Sie höchstens "   \
	    "16 wie 192.0.2.0/24 an, ohne Host-Bits.")                          \
	X(ERROR_USES, "Give a whole number of uses, at least 1.",               \
	    "Geben Sie eine ganze Zahl von Benutzungen an, mindestens 1.")      \
	X(ERROR_SERVICE, "This service is not offered here.",                   \
	    "Dieser Dienst wird hier nicht angeboten.")                         \
	X(ERROR_REASON, "The reason is too long: shorten it.",                  \
	    "Der Grund ist zu lang: Kürzen Sie ihn.")                           \
	X(ERROR_FORM, "The form was not complete: send it again.",              \
	    "Das Formular war unvollständig: Senden Sie es noch einmal.")       \
	X(ERROR_LOGIN,                                                          \
	    "Your sign-in is too old for this. Sign in again, then send the "   \
	    "form once more: what you typed is kept below.",                    \
	    "Ihre Anmeldung ist dafür zu alt. Melden Sie sich erneut an und "  \
	    "senden Sie das Formular noch einmal: Ihre Eingaben stehen "        \
	    "unten.")                                                           \
	/* One for each of SITE_NO_LIST. */                                     \
	X(NO_BAD_REQUEST, "The request was malformed.",                         \
	    "Die Anfrage war fehlerhaft.")                                      \
	X(NO_BAD_FORM, "The form was malformed: go back and send it again.",    \
	    "Das Formular war fehlerhaft: Gehen Sie zurück und senden Sie es " \
	    "noch einmal.")                                                     \
	X(NO_BAD_JSON, "The request was malformed.",                            \
	    "Die Anfrage war fehlerhaft.")                                      \
	X(NO_BAD_QUERY, "This address is malformed: go back to your tokens.",   \
	    "Diese Adresse ist fehlerhaft: Gehen Sie zurück zu Ihren Token.")   \
	X(NO_LEAKED,                                                            \
	    "The address has a token in it, and addresses are logged: revoke "  \
	    "that token.",                                                      \
	    "In der Adresse steht ein Token, und Adressen werden "              \
	    "protokolliert: Widerrufen Sie dieses Token.")                      \
	X(NO_NO_LOGIN, "You are not signed in.", "Sie sind nicht angemeldet.")  \
	X(NO_BAD_LOGIN, "You are not signed in.",                               \
	    "Sie sind nicht angemeldet.")                                       \
	X(NO_BAD_TOKEN, "You are not signed in.",                               \
	    "Sie sind nicht angemeldet.")                                       \
	X(NO_FORGED,                                                            \
	    "Your sign-in came from somewhere that this page does not "         \
	    "trust. Use the usual address of this page.",                       \
	    "Ihre Anmeldung kam von einer Stelle, der diese Seite nicht "       \
	    "vertraut. Benutzen Sie die übliche Adresse dieser Seite.")         \
	X(NO_AMBIGUOUS,                                                         \
	    "It is not clear who you are. Tell your administrators.",           \
	    "Es ist nicht eindeutig, wer Sie sind. Sagen Sie es Ihren "         \
	    "Administratoren.")                                                 \
	X(NO_CROSS_SITE,                                                        \
	    "This request came from another site, so nothing was done. If "     \
	    "you want it, do it from here.",                                    \
	    "Diese Anfrage kam von einer anderen Website, deshalb wurde "       \
	    "nichts geändert. Wenn Sie es wollen, tun Sie es von hier "        \
	    "aus.")                                                             \
	X(NO_OTHER_USER, "You may not do this.", "Das dürfen Sie nicht.")       \
	X(NO_NO_AUTH_TIME,                                                      \
	    "It is not known when you signed in, so this cannot be done. "      \
	    "Tell your administrators.",                                        \
	    "Es ist nicht bekannt, wann Sie sich angemeldet haben, "            \
	    "deshalb geht das nicht. Sagen Sie es Ihren Administratoren.")      \
	X(NO_OLD_LOGIN, "Your sign-in is too old for this: sign in again.",     \
	    "Ihre Anmeldung ist dafür zu alt: Melden Sie sich erneut an.")      \
	X(NO_FORBIDDEN, "You may not do this.", "Das dürfen Sie nicht.")        \
	X(NO_NOT_FOUND, "There is no such page.",                               \
	    "Diese Seite gibt es nicht.")                                       \
	X(NO_METHOD, "This address cannot be used like that.",                  \
	    "Diese Adresse lässt sich so nicht benutzen.")                      \
	X(NO_SLOW, "The form came too slowly: send it again.",                  \
	    "Das Formular kam zu langsam: Senden Sie es noch einmal.")          \
	X(NO_TOO_LARGE, "The form was too large: enter less.",                  \
	    "Das Formular war zu groß: Geben Sie weniger ein.")                 \
	X(NO_TARGET, "This address is too long.",                               \
	    "Diese Adresse ist zu lang.")                                       \
	X(NO_TYPE, "The request was malformed.",                                \
	    "Die Anfrage war fehlerhaft.")                                      \
	X(NO_HEAD,                                                              \
	    "Your browser sent too much: remove the cookies of this site.",     \
	    "Ihr Browser hat zu viel gesendet: Löschen Sie die Cookies "       \
	    "dieser Website.")                                                  \
	X(NO_THROTTLED, "Too many attempts: try again later.",                  \
	    "Zu viele Versuche: Versuchen Sie es später.")                      \
	X(NO_INTERNAL, "Something went wrong here. Tell your administrators.",  \
	    "Hier ist etwas schiefgegangen. Sagen Sie es Ihren "                \
	    "Administratoren.")                                                 \
	X(NO_UNAVAILABLE,                                                       \
	    "The service does not answer: try again in a minute.",              \
	    "Der Dienst antwortet nicht: Versuchen Sie es in einer Minute.")    \
	X(NO_OVERLOAD, "Too many requests at once: try again in a minute.",     \
	    "Zu viele Anfragen auf einmal: Versuchen Sie es in einer Minute.")

enum text {
#define TEXT_ENUM(code, english, german) TEXT_##code,
	TEXT_LIST(TEXT_ENUM)
#undef TEXT_ENUM
	    TEXT_COUNT
};

#define TEXT_ARGS_MAX 3

/* Never NULL. */
const char *text_of(enum lang lang, enum text text);

/* The tag of a language, and its name in itself. */
const char *lang_tag(enum lang lang);
const char *lang_name(enum lang lang);

/* Finds the language of a tag such as "de"; false: there is none. */
bool lang_find(const char *tag, size_t len, enum lang *lang);

/*
 * The language for a field Accept-Language (RFC 9110 section 12.5.4): of those
 * that we have the one of the highest weight, the first of equals; the first of
 * all if there is none. "de-AT" is German. NULL: no such field.
 */
enum lang lang_accepted(const char *field);

/*
 * Adds the text, escaped, for an element: each argument in <bdi>, so that a
 * name of another direction turns nothing around it. A missing argument fails.
 */
#define html_say(html, lang, text, ...)                                        \
	html_say_args((html), (lang), (text),                                  \
	    (const char *const[TEXT_ARGS_MAX]){ __VA_ARGS__ })
void html_say_args(struct html *html, enum lang lang, enum text text,
    const char *const args[TEXT_ARGS_MAX]);

/*
 * The same where there can be no markup, such as a title or an attribute: the
 * one argument is isolated by characters.
 */
void html_say_plain(
    struct html *html, enum lang lang, enum text text, const char *arg);

#endif
