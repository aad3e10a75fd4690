#!/bin/sh
# Creates the next numbered migration of both databases under one name.
#
#   new-migration.sh NAME
#
# NAME consists of lower-case letters, digits and underscores. A migration contains
# SQL only and is never changed after a release.
set -eu
name=$1
case $name in
"" | *[!a-z0-9_]*)
	echo "usage: make new-migration NAME=add_phone (lower-case letters, digits, underscores)" >&2
	exit 1
	;;
esac
folder=$(dirname "$0")/../internal/store/migrations
last=$(ls "$folder/sqlite" | sed -n 's/^0*\([0-9]*\)_.*\.sql$/\1/p' | sort -n | tail -n 1)
number=$(printf '%05d' $((last + 1)))
for database in sqlite postgres; do
	file=$folder/$database/${number}_$name.sql
	printf -- '-- +goose Up\n' >"$file"
	echo "created internal/store/migrations/$database/${number}_$name.sql"
done
echo "write the SQL of both, then run: make schema"
