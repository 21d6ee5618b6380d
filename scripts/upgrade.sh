#!/usr/bin/env bash
# make upgrade: bring another version of Lookout into this clone, with everything in it that is yours; BACK=1 undoes it.
# VERSION is a tag, a branch or a commit; without it the newest tag, or the main branch where there is none. YES=1 asks
# nothing; KEEP names files of which yours is kept wholly. Sourced from nowhere and needing nothing beside it: a clone
# from before there was `make upgrade` runs it as `git show origin/main:scripts/upgrade.sh | bash`.
set -euo pipefail
shopt -s inherit_errexit

die() {
    printf 'lookout: %s\n' "$*" >&2
    exit 1
}

root=$(git rev-parse --show-toplevel 2>/dev/null) || die "this is no clone of Lookout; docs/upgrade.md says how to make one"
cd "$root"

if [[ ${BACK:-} ]]; then
    exec ./lookout upgrade --back
fi

remote=origin
if git remote | grep -qx upstream; then
    remote=upstream
fi
deepen=()
if [[ $(git rev-parse --is-shallow-repository) == true ]]; then
    deepen=(--unshallow)
fi
if git remote get-url "$remote" >/dev/null 2>&1; then
    git fetch --quiet --tags "${deepen[@]}" "$remote" || die "$remote cannot be reached; nothing was changed"
fi

# The newest version: a tag such as v1.2.3, else what the remote's main branch has.
newest() {
    local tag
    # Tags of the user's own may look like these, so the remote is asked which are its own.
    tag=$(git ls-remote --tags --refs "$remote" 'v[0-9]*' 2>/dev/null | sed 's|.*refs/tags/||' | grep -v -- - | sort --version-sort | tail -n 1 || true)
    if [[ $tag ]]; then
        printf '%s\n' "$tag"
    elif git rev-parse --quiet --verify "refs/remotes/$remote/HEAD" >/dev/null; then
        printf '%s/HEAD\n' "$remote"
    else
        printf '%s/main\n' "$remote"
    fi
}

version=${1:-${VERSION:-}}
version=${version:-$(newest)}
for name in "$version" "$remote/$version"; do
    if target=$(git rev-parse --quiet --verify "$name^{commit}"); then
        break
    fi
done
[[ ${target:-} ]] || die "there is no version $version; \`git tag\` lists those that there are"

# The new version does the work, in a tree of its own.
folder=$(mktemp -d)
remove() {
    cd "$root"
    git worktree remove --force "$folder/new" 2>/dev/null || true
    rm -rf "$folder"
    git worktree prune
}
trap remove EXIT
git -c core.hooksPath=/dev/null worktree add --quiet --detach --no-checkout "$folder/new" "$target"
git -C "$folder/new" -c core.hooksPath=/dev/null reset --quiet --hard
[[ -d $folder/new/generator/verbs/upgrade ]] || die "$version is from before there was \`make upgrade\`: docs/upgrade.md"
python=$(cd "$folder/new" && . scripts/common.sh && run_python)
words=(upgrade --root "$root" --target "$target" --name "$version")
for file in ${KEEP:-}; do
    words+=(--keep "$file")
done
if [[ ${YES:-} ]]; then
    words+=(--yes)
fi
# Python looks for modules in the folder that it is started in, first of all.
cd "$folder/new"
PYTHONDONTWRITEBYTECODE=1 "$python" -m generator "${words[@]}"
