#!/bin/sh
# Builds the program of Ory Kratos from its Go module into the user's cache folder, where
# `entree-dev bench rush` looks for it. It takes some minutes.
#
#   kratos.sh
set -eu
version=v1.3.1
to=${XDG_CACHE_HOME:-$HOME/.cache}/entree/kratos-$version
if [ -x "$to" ]; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GOWORK=off GOFLAGS=-mod=mod
go mod download "github.com/ory/kratos@$version"
cp -R "$(go env GOMODCACHE)/github.com/ory/kratos@$version" "$work/source"
chmod -R u+w "$work/source"
cd "$work/source"
# The replacement points to a folder that the module does not contain; only examples use it.
go mod edit -dropreplace github.com/ory/client-go
mkdir -p "$(dirname "$to")"
CGO_ENABLED=0 go build -o "$work/kratos" .
mv "$work/kratos" "$to"
echo "built $to"
