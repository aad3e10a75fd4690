#!/bin/sh
# Before the removal on Debian (remove) and on Red Hat (0): stop all instances.
set -e
if [ -d /run/systemd/system ] && { [ "$1" = remove ] || [ "$1" = 0 ]; }; then
	systemctl disable --now 'entree.service' 2>/dev/null || true
	systemctl stop 'entree@*.service' || true
fi
