#!/usr/bin/env bash
# Puts in place all that a build of Graft needs and that is missing: Debian packages, libtorch, the small
# real model, the Swift packages. Run again, it finds nothing to do and says nothing.
# Environment: GRAFT_CACHE, TORCH_VERSION, LIBTORCH (see libtorch.sh).
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

check_platform() {
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64 | Linux-aarch64) ;;
        *) fail "Graft runs on Linux on x86_64 and aarch64; this is $(uname -s) on $(uname -m)" ;;
    esac
    [[ "$package" != *[[:space:]]* ]] \
        || fail "SwiftPM cannot use libtorch from a folder with a space in its path: $package" \
            "move the clone"
}

check_swift() {
    local hint="install Swift 6.2 or newer from swift.org and put its usr/bin on PATH" found version
    command -v swift >/dev/null || fail "swift is not on PATH" "$hint"
    found="$(swift -print-target-info 2>&1)" || fail "swift does not run: ${found##*$'\n'}" "$hint"
    version="$(sed -n 's/.*"compilerVersion": ".*Swift version \([0-9]*\.[0-9]*\).*/\1/p' <<<"$found")"
    [[ "$(printf '%s\n' 6.2 "$version" | sort -V | head -n 1)" == 6.2 ]] \
        || fail "Swift ${version:-of an unknown version} is too old" "$hint"
}

# Asks for what a package gives rather than for the package: a machine may have it from elsewhere.
missing_packages() {
    command -v git >/dev/null || echo git
    command -v pkg-config >/dev/null || echo pkg-config
    command -v unzip >/dev/null || echo unzip
    command -v make >/dev/null || echo make
    python3 -c 'import pip' 2>/dev/null || echo python3-pip
    [[ -e /usr/include/zlib.h ]] || echo zlib1g-dev
    [[ -e /usr/include/jpeglib.h ]] || echo libjpeg-dev
    [[ -e /usr/include/png.h ]] || echo libpng-dev
    [[ -e /usr/include/webp/demux.h ]] || echo libwebp-dev
    compgen -G '/usr/include/c++/*/vector' >/dev/null || echo g++
}

install_packages() {
    local missing as_root=() log command
    missing="$(missing_packages | paste -s -d ' ')"
    [[ -n "$missing" ]] || return 0
    command="apt-get install --yes --no-install-recommends $missing"
    command -v apt-get >/dev/null || fail "these Debian packages are missing: $missing" \
        "this system has no apt-get: install what your distribution calls them"
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null || ! { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            fail "these Debian packages are missing: $missing" "run as root: $command"
        fi
        as_root=(sudo)
    fi
    say "installing $missing"
    # The packages' names hold no spaces: the command is split into its words on purpose.
    # shellcheck disable=SC2086
    log="$({ "${as_root[@]}" apt-get update -qq \
        && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" $command -qq; } 2>&1)" \
        || fail "apt-get failed: ${log##*$'\n'}" "check the network, then run as root: $command"
    missing="$(missing_packages | paste -s -d ' ')"
    [[ -z "$missing" ]] || fail "installed, but not usable: $missing" "what is on PATH hides them"
}

resolve_swift_packages() {
    local state="$package/.build/workspace-state.json" log
    [[ -e "$state" && ! "$package/Package.swift" -nt "$state" ]] && return
    [[ -e "$state" ]] || need_disk "$package" 3000 "the build"
    log="$(swift package --package-path "$package" resolve 2>&1)" \
        || fail "the Swift packages cannot be fetched: $(sed -nE 's/^ *(fatal|error): //p' <<<"$log" | head -n 1)" \
            "check the network, then run \`swift package resolve\`"
    touch "$state"
}

check_platform
check_swift
install_packages
"$package/Scripts/libtorch.sh"
"$package/Scripts/model.sh" >/dev/null
resolve_swift_packages
