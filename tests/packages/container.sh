#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../.. disable=SC2016
# examples/container: the image is built as its Containerfile says, in roots in place of
# an engine, and the pod runs with its users, mounts and rights. The packages are there
# beforehand: no network.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"
# shellcheck source=tests/lib/roots.sh
. "$JP_SOURCE/tests/lib/roots.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"

files=$JP_SOURCE/examples/container
for tool in curl ip; do
	command -v $tool >/dev/null 2>&1 || skip_all "no $tool"
done
python3 -c 'import yaml' 2>/dev/null || skip_all "no python3-yaml"
scratch
python3 "$JP_SOURCE/tests/packages/container.py" steps "$files/Containerfile" \
	>"$SCRATCH/steps" || bail "no steps"
release=$(sed -n 's/^ARG\tBASE=.*debian:\(.*\)-slim$/\1/p' "$SCRATCH/steps")
for group in build image; do
	root_have "$release" $group 2>"$SCRATCH/why" ||
		skip_all "$(tail -n 1 "$SCRATCH/why")"
done

# --- The image ---------------------------------------------------------------------

# What is to be installed must be there.
mkdir "$SCRATCH/bin"
cat >"$SCRATCH/bin/apt-get" <<'EOF'
#!/bin/sh
[ "$1" != update ] || exit 0
shift 3
for package; do
	dpkg-query -W -f '${Status}\n' "$package" 2>&1 | grep -q ' installed$' ||
		{ echo "not installed: $package" >&2; exit 1; }
done
EOF
chmod 755 "$SCRATCH/bin/apt-get"

# stage: the folder of the stage that is built.
stages=0
stage=
new_stage() { # IMAGE [as NAME]: what is built gets a compiler
	stages=$((stages + 1))
	stage=$SCRATCH/stage$stages
	group=image
	[ "$#" -eq 1 ] || group=build
	root_make "$release" "$stage" $group && cp -r "$SCRATCH/bin" "$stage/srv/"
	workdir=/
}

run_in() { # COMMAND
	root_run "$stage" env PATH=/srv/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c \
		"cd $workdir && $1" </dev/null
}

copy() { # [--from=build] WHAT TO
	case $1 in
	--from=*)
		copy_from=$SCRATCH/stage1/upper
		shift
		;;
	*) copy_from=$JP_SOURCE ;;
	esac
	case $1 in
	.)
		mkdir -p "$stage/upper$2"
		sed 's|^|./|' "$files/Containerfile.dockerignore" >"$SCRATCH/ignored"
		tar -C "$copy_from" -X "$SCRATCH/ignored" -cf - . |
			tar -C "$stage/upper$2" --no-same-owner -xf -
		;;
	*)
		if [ -d "$copy_from/$1" ]; then
			cp -a "$copy_from/$1/." "$stage/upper$2"
		else
			mkdir -p "$stage/upper${2%/*}"
			cp "$copy_from/$1" "$stage/upper$2"
		fi
		;;
	esac
}

step() { # WORD REST
	# shellcheck disable=SC2046,SC2086
	case $1 in
	ARG) ;;
	FROM) new_stage $(echo "$2" | sed 's/ AS / /') ;;
	RUN) run_in "$2" ;;
	COPY) copy $2 ;;
	WORKDIR) workdir=$2 ;;
	USER) user=$2 ;;
	CMD) cmd=$2 ;;
	*) return 1 ;;
	esac
}

tab=$(printf '\t')
while IFS=$tab read -r word rest; do
	step "$word" "$rest" >>"$SCRATCH/log/build" 2>&1 ||
		bail "$word $rest: $(tail -n 5 "$SCRATCH/log/build")"
done <"$SCRATCH/steps"
pass "the image is built, and patd likes its configuration"
is "of two stages; the last one has no compiler" \
	"$stages $(ls "$stage/upper/usr/bin/gcc" 2>/dev/null)" "2 "
is "it starts patd, not as root" "$user $cmd" \
	'10001:10001 ["/usr/sbin/patd", "--foreground"]'
ok "no pepper and no store are in it" sh -c '! ls "$1"/upper/var/lib/jira-pat/* \
	"$1"/upper/etc/jira-pat/*.key 2>/dev/null' sh "$stage"

is "the compose file says the same as the pod" \
	"$(python3 "$JP_SOURCE/tests/packages/container.py" differ \
		"$files/pod.yaml" "$files/compose.yaml" 2>&1)" ""

# --- The files of the proxy ----------------------------------------------------------

# What README.md says, in a copy; nginx reads conf.d as in its image.
proxy_files() (
	mkdir -p "$SCRATCH/examples/container" "$SCRATCH/certs"
	cp -r "$JP_SOURCE/examples/nginx" "$SCRATCH/examples/"
	cd "$SCRATCH/examples/container" || exit 1
	block "$files/README.md" "The files of the proxy" sh >"$SCRATCH/commands"
	[ -s "$SCRATCH/commands" ] && sh -eu "$SCRATCH/commands" || exit 1
	block "$files/README.md" "The files of the proxy" nginx |
		sed "s|/certs/|$SCRATCH/certs/|" >conf.d/jira.conf
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=jira -days 1 \
		-keyout "$SCRATCH/certs/tls.key" -out "$SCRATCH/certs/tls.crt" \
		2>/dev/null || exit 1
	printf 'pid %s/pid;\nevents {}\nhttp { include conf.d/*.conf; }\n' \
		"$SCRATCH" >nginx.conf
	nginx -t -p . -e stderr -c "$PWD/nginx.conf" 2>"$SCRATCH/log/nginx"
)
what="nginx takes the files of the proxy, with the socket of the volume"
if command -v nginx >/dev/null 2>&1 && command -v openssl >/dev/null 2>&1; then
	ok "$what" proxy_files
	is "that socket is the one of pat-httpd" "$(sed -n \
		's/^ *server unix:\(.*\);/listen = \1/p' \
		"$SCRATCH/examples/container/conf.d/jira-pat-authorizer-http.conf")" \
		"$(grep '^listen = .*/http.sock$' "$files/jira-pat.conf")"
else
	skip "$what" "no nginx, or no openssl"
fi

# --- The pod -------------------------------------------------------------------------

mkdir "$SCRATCH/volumes"
mount -t tmpfs volumes "$SCRATCH/volumes" || bail "no tmpfs"
tap_cleanup="umount -l '$SCRATCH/volumes'; ${tap_cleanup:-}"

# container NAME [COMMAND...]: one of the pod, or another program in it.
container_of=$files/pod.yaml
container() {
	python3 "$JP_SOURCE/tests/packages/container.py" run "$container_of" \
		"$stage" "$SCRATCH/volumes" "$@"
}
start_container() {
	start "$1" python3 "$JP_SOURCE/tests/packages/container.py" run \
		"$container_of" "$stage" "$SCRATCH/volumes" "$1"
}

# A socket whose file is there may have nobody who listens yet.
is_ready() {
	grep -q -x "$1: ready" "$SCRATCH/log/$1.log"
}

ok "init makes the store in the volume" container init
ok "and again does no harm" container init
start_container patd
ok "patd starts" wait_for 60 is_ready patd
start_container pat-httpd
http=$SCRATCH/volumes/http/http.sock
ok "pat-httpd starts" wait_for 60 is_ready pat-httpd
token=$(container patd pat-admin create jane --name test 2>"$SCRATCH/log/create")
like "whoever may run a command beside patd makes a token" "$token" "jpat_*"
ok "the liveness probe is content" sh -c 'test -n "$1"' sh \
	"$(container patd /usr/sbin/pat-admin stats --json)"

# asked_by UID: the status of an answer; the volume is mounted read-only.
asked_by() {
	printf 'user = "jane:%s"\n' "$token" | unshare -m sh -c 'mount --bind "$1" \
		"$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"' sh \
		"$SCRATCH/volumes/http" setpriv --reuid "$1" --regid "$1" \
		--clear-groups curl -s -o /dev/null -w '%{http_code}' --config - \
		--unix-socket "$http" http://localhost/auth/jira
}
is "the proxy is answered" "$(asked_by 101)" 200
like "nobody else is" "$(asked_by 1001)" "[04]0[03]"
ok "the log names the number of who was refused" \
	wait_for 60 grep -q 'refused uid 1001: ' "$SCRATCH/log/pat-httpd.log"
for what in "patd touch /run/jira-pat-http/x" "patd touch /etc/x" \
    "pat-httpd touch /run/jira-pat/patd/x" "pat-httpd touch /run/jira-pat/x" \
    "pat-httpd ls /var/lib/jira-pat/key"; do
	# shellcheck disable=SC2086
	container $what >/dev/null 2>&1 && echo "$what"
done >"$SCRATCH/could"
is "nobody writes where others have their sockets, or sees the pepper" \
	"$(cat "$SCRATCH/could")" ""
id=${token#jpat_}
container patd pat-admin revoke "${id%%_*}" >/dev/null 2>&1
is "a revoked token is refused at the next request" "$(asked_by 101)" 401

# ended NAME: the status of its first process, which is asked to end. The last one that
# was started under this name.
ended() {
	pid=$(pid_of "$1")
	pkill -TERM -P "$pid"
	wait_for 60 has_ended "$pid"
	wait "$pid"
	echo $?
}
has_ended() {
	! tap_alive "$1"
}
for name in patd pat-httpd; do
	ended $name >"$SCRATCH/status"
	is "$name ends when an engine asks it to" "$(cat "$SCRATCH/status")" 0
done

# --- Several of them ------------------------------------------------------------------

# The pod of README.md, and a database.
pod=$SCRATCH/pod.yaml
{ cat "$files/pod.yaml" && block "$files/README.md" "Several such pods with the same tokens" yaml; } >"$pod"
start database python3 -c '
import signal, sys
sys.path.insert(0, sys.argv[1])
import postgres
try:
    with postgres.Pair(standby=False) as pair:
        with open(sys.argv[2], "w") as file:
            file.write("conninfo = %s\n" % pair.conninfo())
        signal.sigwait({signal.SIGTERM})
except postgres.Missing as missing:
    sys.exit(str(missing))' "$JP_SOURCE/tests/cluster" "$SCRATCH/conninfo"
has_database() {
	[ -s "$SCRATCH/conninfo" ] || has_ended "$(pid_of database)"
}
wait_for 120 has_database
if [ -s "$SCRATCH/conninfo" ]; then
	{
		block "$files/README.md" "Several such pods with the same tokens" ini | grep -v '^conninfo'
		cat "$SCRATCH/conninfo"
	} >>"$stage/upper/etc/jira-pat/jira-pat.conf"
	container_of="$pod"
	ok "a pod that has tokens becomes a cluster" \
		container init /usr/sbin/pat-admin cluster init
	start_container patd
	start_container pat-clusterd
	has_lease() {
		container patd pat-admin cluster status >"$SCRATCH/log/cluster" 2>&1
	}
	ok "pat-clusterd gets a lease for it" wait_for 60 has_lease
	token=$(container patd pat-admin create jane --name cluster \
		2>"$SCRATCH/log/create")
	like "a token is appended" "$token" "jpat_*"
	like "and accepted" "$(echo "$token" |
		container patd pat-admin test jane --service jira 2>/dev/null)" "accepted*"
	ok "pat-clusterd sees neither store nor pepper" sh -c '! "$@" 2>/dev/null' sh \
		python3 "$JP_SOURCE/tests/packages/container.py" run "$pod" "$stage" \
		"$SCRATCH/volumes" pat-clusterd ls /var/lib/jira-pat/key
	for name in pat-clusterd patd; do
		ended $name >"$SCRATCH/status"
		is "$name of a cluster ends when it is asked to" \
			"$(cat "$SCRATCH/status")" 0
	done
else
	skip "a pod of a cluster" "$(cat "$SCRATCH/log/database.log")"
fi
done_testing
