#!/usr/bin/env bash
# Build everything of a release into dist/, for amd64 and arm64: the programs, deb
# and rpm, images as OCI archives, an SBOM, checksums, release notes. The output
# depends on the commit and the Go version only: two runs have the same hashes,
# except the images if podman is another version.
#
#   VERSION=v0.1.0      the version; by default git's description of the commit
#   SIGNING_KEY=FILE    an SSH private key, or the public key of one in an agent or
#                       on a hardware token: signs SHA256SUMS
#   WITHOUT_IMAGES=1    where podman is missing
#   ARCHES="amd64"      only these processors
set -euo pipefail
cd "$(dirname "$0")/.."
version=${VERSION:-$(git describe --tags --always --dirty)}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH CGO_ENABLED=0 TZ=UTC LC_ALL=C
go=${GO:-go}
plain=${version#v}
case $plain in [0-9]*.[0-9]*.[0-9]*) number=$plain ;; *) number=0.0.0~$plain ;; esac
rm -rf dist
mkdir -p dist
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
# The tools have a module of their own, with their checksums.
GOFLAGS='' "$go" build -C tools/release -trimpath -o "$tools/" tool

for arch in ${ARCHES:-amd64 arm64}; do
	stage=$tools/$arch
	mkdir -p "$stage/data"
	GOFLAGS='' GOOS=linux GOARCH=$arch GOAMD64=v1 "$go" build -trimpath -tags nomsgpack \
		-ldflags "-s -w -buildid= -X entree/internal/buildinfo.version=$version" -o "$stage/entree" ./cmd/entree
	if [ ! -x "$tools/native" ]; then # manual page and completions come from the program
		if [ "$arch" = "$("$go" env GOHOSTARCH)" ]; then cp "$stage/entree" "$tools/native"; else
			GOFLAGS='' "$go" build -trimpath -tags nomsgpack -ldflags "-X entree/internal/buildinfo.version=$version" -o "$tools/native" ./cmd/entree
		fi
	fi
	"$tools/native" man | gzip -9n >"$stage/entree.8.gz"
	"$tools/native" completion bash >"$stage/entree.bash"
	"$tools/native" completion zsh >"$stage/_entree"
	"$tools/native" completion fish >"$stage/entree.fish"
	gzip -9nc CHANGELOG.md >"$stage/changelog.gz"
	"$tools/native" config sample --data /var/lib/entree "$stage/config"
	# nfpm takes the times of files from SOURCE_DATE_EPOCH.
	sed -e "s|\${ARCH}|$arch|g; s|\${VERSION}|$number|g; s|\${STAGE}|$stage|g" deploy/package/nfpm.yaml >"$stage/nfpm.yaml"
	find "$stage" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
	for kind in deb rpm; do
		"$tools/nfpm" package --config "$stage/nfpm.yaml" --packager "$kind" --target dist/
	done
	cp "$stage/entree" "dist/entree-$plain-linux-$arch"
	if [ -z "${WITHOUT_IMAGES:-}" ]; then
		podman build --quiet --platform "linux/$arch" --timestamp "$SOURCE_DATE_EPOCH" --file deploy/container/Containerfile --tag "localhost/entree:$plain" "$stage" >/dev/null
		podman save --quiet --format oci-archive --output "dist/entree-$plain-linux-$arch.oci.tar" "localhost/entree:$plain"
	fi
done

"$tools/cyclonedx-gomod" app -json -licenses -noserial -main cmd/entree -output "$tools/sbom.json" . 2>/dev/null
# The tool writes the time of the build.
sed -E "s|(\"timestamp\": )\"[^\"]*\"|\1\"$(date -u -d "@$SOURCE_DATE_EPOCH" +%FT%TZ)\"|" "$tools/sbom.json" >"dist/entree-$plain.cdx.json"
# The notes are the version's section of the changelog, or the unreleased one.
awk -v want="$plain" '
	/^## / { show = index($0, "[" want "]") || index($0, "## " want) == 1; if (show) found = 1 }
	show { print }
	END { exit !found }' CHANGELOG.md >dist/NOTES.md ||
	awk '/^## / { show = /Unreleased/ } show' CHANGELOG.md >dist/NOTES.md
(cd dist && sha256sum -- * >SHA256SUMS)
if [ -n "${SIGNING_KEY:-}" ]; then
	ssh-keygen -q -Y sign -f "$SIGNING_KEY" -n entree-release dist/SHA256SUMS
fi
ls -l dist
