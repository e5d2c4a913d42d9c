# shellcheck shell=sh
# A world as a reader of the documents has it after the installation: patd,
# pat-httpd, and Apache in front of a stand-in for Jira, with the files of
# examples/apache. In it commands of the documents run as they stand there.
#
# Needs tests/lib/tap.sh and tests/lib/world.sh. story_make, then story_run or
# story_play.
# shellcheck disable=SC2034,SC2154 # names of tap.sh and world.sh

STORY_SECTIONS=${STORY_SECTIONS:-[service jira]
scope = write
read_scope = read}

# story_missing: prints what is missing on this machine, if anything is.
story_missing() {
	world_missing
	for story_module in authnz_fcgi lua; do
		[ -e "$WORLD_MODULES/mod_$story_module.so" ] ||
			echo "mod_$story_module"
	done
	[ -e "$JP_BUILD/pat_httpd/pat-httpd" ] || echo "pat-httpd (build it)"
}

# story_make: sets $STORY, the folder in which commands run.
story_make() {
	# shellcheck disable=SC2046
	set -- $(free_ports 2) || return 1
	WORLD_SECTIONS="audit_file = $SCRATCH/world/trail/audit.jsonl
[listener apache]
listen = 127.0.0.1:$1
protocol = fastcgi
$STORY_SECTIONS"
	WORLD_APACHE_LUA="lua authnz_fcgi setenvif"
	STORY_URL=http://127.0.0.1:$2
	world_make >"$SCRATCH/log/init.log" 2>&1 && world_patd && world_httpd &&
		world_backend || return 1
	WORLD_APACHE_END="Listen 127.0.0.1:$2
		AuthnzFcgiDefineProvider authn jira-pat fcgi://127.0.0.1:$1/
		<VirtualHost *:$2>
		Define JIRA_PAT_BACKEND $WORLD_BACKEND
		Define JIRA_PAT_HEADERS $WORLD/lib/jira-pat-headers.lua
		Include $JP_SOURCE/examples/apache/jira-pat-authorizer.conf
		</VirtualHost>"
	world_apache && story_commands
}

# What is called as it stands in a document, but for the configuration, and for
# the address of Jira's host.
story_commands() {
	STORY=$SCRATCH/story
	mkdir -p "$STORY/bin" || return 1
	cat >"$STORY/bin/pat-admin" <<-END
		#!/bin/sh
		exec "$JP_BUILD/tools/pat-admin" --config "$WORLD/jira-pat.conf" "\$@"
	END
	cat >"$STORY/bin/curl" <<-END
		#!/bin/sh
		for argument; do
		    shift
		    case \$argument in
		    https://jira-api.example.org/*)
		        argument=$STORY_URL/\${argument#https://*/} ;;
		    esac
		    set -- "\$@" "\$argument"
		done
		exec $(command -v curl) -sS "\$@"
	END
	chmod 755 "$STORY"/bin/*
}

# story_run FILE: its commands, in $STORY. Sets $status and $out.
story_run() {
	out=$(cd "$STORY" && PATH=$STORY/bin:$PATH sh -eu "$1" \
		2>>"$SCRATCH/log/story.log")
	# shellcheck disable=SC2034
	status=$?
}

# story_play: a transcript on standard input, as it really went on a terminal: see
# tests/lib/terminal.py.
story_play() {
	(cd "$STORY" && PATH=$STORY/bin:$PATH \
		timeout 120 python3 "$JP_SOURCE/tests/lib/terminal.py" play)
}
