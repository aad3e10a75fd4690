#!/bin/sh
# After the removal: data, secrets and the user stay, also after a purge, because
# the database holds evidence. Delete
# /var/lib/entree and /etc/entree by hand.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
