#!/bin/sh
# Checks that a program exists. If not, it installs the program's Debian packages
# where it may, and otherwise names them in one line and fails.
#
#   need.sh PROGRAM PACKAGE...
#
# PROGRAM is a name on the path, or the path of a file in which * matches any version.
set -eu
program=$1
shift

there() {
	case $program in
	/*) for file in $program; do if [ -e "$file" ]; then return 0; fi; done; return 1 ;;
	*) command -v "$program" >/dev/null 2>&1 ;;
	esac
}

missing() {
	echo "missing: $program. Install it (on Debian: apt-get install $*) and run this again." >&2
	exit 1
}

if there; then exit 0; fi
if ! command -v apt-get >/dev/null 2>&1; then missing "$@"; fi
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	sudo="sudo -n"
else
	missing "$@"
fi
echo "installing $* for $program" >&2
$sudo apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >&2
if ! there; then missing "$@"; fi
