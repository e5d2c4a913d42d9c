# shellcheck shell=sh
# shellcheck disable=SC2154
# What the FTP servers share. Needs tests/doors/lib.sh.

# try_ftp USER FILE [plain]: see token_try; `plain` is without TLS.
try_ftp() {
	python3 "$JP_SOURCE/tests/lib/ftp_login.py" "$server_port" "$@"
}

# ftp_plain WHAT OUTCOME: what the right token of alice gets without TLS.
ftp_plain() {
	token_try try_ftp_plain alice "$token_alice"
	is "$1: without TLS, the right token does not get in" "$outcome" "$2"
}

try_ftp_plain() {
	try_ftp "$@" plain
}
