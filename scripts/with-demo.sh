#!/bin/sh
# Runs a command beside one demo, whose folder is in ENTREE_TEST_DEMO, and checks
# that the demo leaves no process behind.
#
#   with-demo.sh COMMAND [ARGUMENT...]
#
# MEANWHILE is a command that needs no demo. It runs while the demo starts.
set -eu
dir=$(mktemp -d)
go build -tags nomsgpack -o "$dir/entree" ./cmd/entree
"$dir/entree" demo --dir "$dir" --listen 127.0.0.1:0 --keycloak-port 0 --mailbox 127.0.0.1:0 --passkeys=false >"$dir/demo.log" 2>&1 &
demo=$!
trap 'kill "$demo" 2>/dev/null || true' EXIT INT TERM
sh -c "${MEANWHILE:-:}"
waited=0
until [ -f "$dir/demo.json" ]; do
	if ! kill -0 "$demo" 2>/dev/null || [ "$waited" -gt 600 ]; then
		echo "the demo did not start:" >&2
		cat "$dir/demo.log" >&2
		exit 1
	fi
	sleep 1
	waited=$((waited + 1))
done
echo "the demo was ready after $waited s more" >&2
status=0
ENTREE_TEST_DEMO=$dir "$@" || status=$?
kill -TERM "$demo"
wait "$demo" || { echo "the demo ended badly:" >&2; tail -n 20 "$dir/demo.log" >&2; status=1; }
trap - EXIT INT TERM
if pgrep -f "$dir" >/dev/null 2>&1; then
	echo "the demo left processes behind:" >&2
	pgrep -af "$dir" >&2
	status=1
fi
if [ "$status" = 0 ]; then rm -rf "$dir"; else echo "kept for a look: $dir" >&2; fi
exit "$status"
