#!/usr/bin/env bash
# scripts/dump.sh SERVICE FOLDER COMMAND...: what COMMAND prints becomes a new dump of SERVICE in FOLDER, with its
# checksum beside it; how long it took is recorded. Nothing of a command that fails is left, and its exit code is this one's.
# Dumps of SERVICE older than KEEP_DAYS (14) go, but never the newest. For cron: docs/jobs.md.
set -euo pipefail

(($# >= 3)) || {
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
}
service=$1 folder=$2
shift 2
# The name is a part of file names.
[[ -n $service && $service != */* && $service != .* ]] || {
    echo "dump.sh: '$service' cannot be the name of a service" >&2
    exit 2
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

[[ $folder != -* ]] || folder=./$folder
mkdir -p "$folder"
name=$service-$(date -u +%Y%m%dT%H%M%SZ).dump
half=$folder/$name.part
trap 'rm -f "$half"' EXIT

began=$SECONDS
"$@" >"$half"
[[ -s $half ]] || {
    # Its arguments may hold a password.
    echo "dump.sh: the command printed nothing: $1" >&2
    exit 1
}
sync "$half"
# The checksum first: a dump under its own name has one.
sum=$(sha256sum <"$half")
printf '%s  %s\n' "${sum%% *}" "$name" >"$folder/$name.sha256"
mv "$half" "$folder/$name"
echo "$folder/$name"
"$here/lookout" record backup_step_seconds $((SECONDS - began)) "service=$service" step=dump

# Exactly the names that this script gives to dumps of this service. `api-*.dump` would also be those of api-v2.
stamp='-[0-9]{8}T[0-9]{6}Z\.dump(\.sha256|\.part)?$'
while IFS= read -r -d '' old; do
    rest=${old##*/}
    [[ $rest == "$service"-* && ${rest#"$service"} =~ ^$stamp && $rest != "$name"* ]] || continue
    rm -f "$old"
done < <(find "$folder" -maxdepth 1 -type f -mtime "+${KEEP_DAYS:-14}" -print0)
