#!/usr/bin/env bash
# scripts/dump.sh SERVICE FOLDER COMMAND...: what COMMAND prints becomes a new dump of SERVICE in FOLDER, with its
# checksum beside it; how long it took is recorded. Nothing of a command that fails is left, and its exit code is this one's.
# Dumps older than KEEP_DAYS (14) go, but never the newest. For cron: docs/jobs.md.
set -euo pipefail

(($# >= 3)) || {
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
}
service=$1 folder=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

mkdir -p "$folder"
name=$service-$(date -u +%Y%m%dT%H%M%SZ).dump
half=$folder/$name.part
trap 'rm -f "$half"' EXIT

began=$SECONDS
"$@" >"$half"
[[ -s $half ]] || {
    echo "dump.sh: the command printed nothing: $*" >&2
    exit 1
}
sync "$half"
# The checksum first: a dump under its own name has one.
sum=$(sha256sum <"$half")
printf '%s  %s\n' "${sum%% *}" "$name" >"$folder/$name.sha256"
mv "$half" "$folder/$name"
echo "$folder/$name"
"$here/lookout" record backup_step_seconds $((SECONDS - began)) "service=$service" step=dump

find "$folder" -maxdepth 1 -type f -name "$service-*.dump*" ! -name "$name*" -mtime "+${KEEP_DAYS:-14}" -delete
