#!/bin/sh
# After the installation on Debian (configure) and on Red Hat (1 or 2): create the
# user and the folders, and restart running instances after an upgrade. The
# service is not enabled: it needs its secrets first.
set -e
systemd-sysusers entree.conf 2>/dev/null ||
	getent passwd entree >/dev/null ||
	useradd --system --home-dir /var/lib/entree --shell /usr/sbin/nologin --comment "Entrée" entree
systemd-tmpfiles --create entree.conf 2>/dev/null || {
	install -d -m 2750 -o root -g entree /etc/entree/secrets
	install -d -m 0750 -o entree -g entree /var/lib/entree
}
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
	if [ "$1" = 2 ] || [ -n "$2" ]; then # an upgrade
		systemctl try-restart 'entree.service' 'entree@*.service' || true
	fi
fi
