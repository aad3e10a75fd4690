#!/bin/sh
# Names a folder for what tests write: in memory where there is plenty and
# programs may run in it, so that nobody waits for a disk that is not tested.
memory=/dev/shm
free=$(df -Pk "$memory" 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ "${free:-0}" -gt 4000000 ] && try=$(mktemp "$memory/entree-XXXXXX" 2>/dev/null); then
	printf '#!/bin/sh\n' >"$try"
	chmod +x "$try"
	if "$try" 2>/dev/null; then TMPDIR=$memory; fi
	rm -f "$try"
fi
echo "${TMPDIR:-/tmp}"
