#!/usr/bin/env bash
# `make release VERSION=1.2.3`: check, write the version and the clone address, commit and tag. Nothing is pushed.
# REPOSITORY=https://… is the address that people clone; without it, that of the remote `origin`.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=${1:-} repository=${2:-}
tag=v$version
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "VERSION=$version is no version: make release VERSION=1.2.3"
[[ -z $(git status --porcelain) ]] || die "there are changes that are not committed"
! git rev-parse --quiet --verify "refs/tags/$tag" >/dev/null || die "the tag $tag exists"
last=$(git tag --list 'v*' --sort=-version:refname | head -n 1)
[[ -z $last || $(printf '%s\n' "$last" "$tag" | sort --version-sort | tail -n 1) == "$tag" ]] ||
    die "$tag is older than $last"

# git@host:owner/name.git and https://user:token@host/… are written as people clone them.
[[ -n $repository ]] || repository=$(git remote get-url origin 2>/dev/null) || die "there is no remote 'origin': REPOSITORY=https://…"
if [[ $repository =~ ^git@([^:/]+):(.+)$ ]]; then
    repository=https://${BASH_REMATCH[1]}/${BASH_REMATCH[2]}
fi
# Neither a login, nor a path, nor a machine that only this one knows; what was given is not shown, it may hold a token.
[[ $repository =~ ^https://[a-z0-9.-]+\.[a-z]+/[^@#[:space:]]+$ ]] ||
    die "that is no address that anybody can clone from: REPOSITORY=https://HOST/OWNER/NAME"

# What the changelog says of this release: all that stands below Unreleased.
awk '/^## / {inside = $2 == "Unreleased"; next} inside' CHANGELOG.md >"$scratch/notes"
grep -q '^- ' "$scratch/notes" || die "CHANGELOG.md says nothing below Unreleased"

python=$(venv_python)
"$python" -m generator render >/dev/null
"$python" -m generator.reference >/dev/null
[[ -z $(git status --porcelain) ]] || die "what make render and make docs make is out of date: commit it first"

sed -i "s/^## Unreleased\$/## Unreleased\n\n## $version - $(date -u +%F)/" CHANGELOG.md
sed -i "s/^version = \".*\"/version = \"$version\"/" pyproject.toml
sed -i "s/^__version__ = \".*\"/__version__ = \"$version\"/" generator/__init__.py
sed -i -e "s#^git clone .* lookout\$#git clone $repository lookout#" -e '/^REPOSITORY is the address/,+1d' README.md

git commit --quiet --all --message "Release $version"
{
    printf 'Lookout %s\n\n' "$version"
    cat "$scratch/notes"
} | git tag --annotate --cleanup=verbatim --file=- "$tag"
say "$tag is tagged; publish it with: git push origin HEAD $tag"
