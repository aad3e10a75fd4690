#!/bin/sh
# Makes sure that a program is there: installs its Debian packages where that is
# possible, and otherwise says in one line what to install, and fails.
#
#   need.sh PROGRAM PACKAGE...
set -eu
program=$1
shift
case $program in
/*) # a path, in which * stands for any version
	for file in $program; do if [ -x "$file" ]; then exit 0; fi; done ;;
*) if command -v "$program" >/dev/null 2>&1; then exit 0; fi ;;
esac
if command -v apt-get >/dev/null 2>&1; then
	if [ "$(id -u)" = 0 ]; then
		sudo=
	elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
		sudo="sudo -n"
	else
		echo "missing: $program. Install it: sudo apt-get install $*" >&2
		exit 1
	fi
	echo "installing $* for $program" >&2
	$sudo apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >&2
	exit 0
fi
echo "missing: $program (on Debian: $*). Install it and run this again." >&2
exit 1
