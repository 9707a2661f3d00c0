#!/usr/bin/env bash
# Fetches libtorch (the C++ part of the PyPI wheel of torch) into the cache, points .libtorch/ at it and
# links its libraries next to the products in .build/, where they are looked for at run time.
# TORCH_VERSION chooses a version, LIBTORCH=FOLDER an installed one (with include/ and lib/) instead.
# PyPI's wheel may be the CUDA build: on a machine without a GPU that needs two small wheels more.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

version="${TORCH_VERSION:-2.13.0}"
home="$cache/torch-$version"
torch="${LIBTORCH:-$home/torch}"

# What libtorch_cpu.so asks the loader for and does not find, as file names.
unfound_libraries() { ldd "$1/lib/libtorch_cpu.so" | awk '/not found/ { print $1 }'; }

is_complete() {
    local file
    for file in lib/libtorch_cpu.so lib/libc10.so include/ATen/ATen.h \
        include/torch/headeronly/version.h; do
        [[ -s "$1/$file" ]] || return 1
    done
    [[ -z "$(unfound_libraries "$1")" ]]
}

# requirement NAME METADATA...: what the metadata pins NAME to, as "name==version"; nothing if they do not.
requirement() {
    local name="$1"
    shift
    sed -nE "s/^Requires-Dist: ($name(-cu[0-9]+)?)(\[[^]]*\])? *\(?(==[0-9.*]+).*/\1\4/p" "$@" | head -n 1
}

# The CUDA build's libtorch_cpu.so needs the CUDA runtime and CUPTI to start, GPU or not. Their versions are
# pinned by torch's metadata, or by those of the metapackage cuda-toolkit, which torch's metadata pin.
add_cuda_wheels() {
    local metadata=("$work"/torch-*.dist-info/METADATA) toolkit name wheel
    toolkit="$(requirement cuda-toolkit "${metadata[@]}")"
    if [[ -n "$toolkit" ]]; then
        pip_download "$toolkit"
        unpack 'cuda_toolkit-*.whl' '*.dist-info/METADATA'
        metadata+=("$work"/cuda_toolkit-*.dist-info/METADATA)
    fi
    for name in nvidia-cuda-runtime nvidia-cuda-cupti; do
        wheel="$(requirement "$name" "${metadata[@]}")"
        [[ -n "$wheel" ]] || fail "torch $version does not say which $name it needs"
        say "downloading $wheel"
        pip_download "$wheel"
        unpack "${name//-/_}*.whl" 'nvidia/*/lib/*.so*'
    done
}

fetch() {
    local missing
    enter_cache
    is_complete "$torch" && return
    need_disk "$cache" 1000 "libtorch $version"
    say "downloading torch $version (0.2 GB, PyPI's CUDA build 0.6 GB) into $cache"
    pip_download "torch==$version"
    unpack 'torch-*.whl' 'torch/lib/*' 'torch/include/*' 'torch/version.py' '*.dist-info/METADATA'
    [[ -z "$(unfound_libraries "$work/torch")" ]] || add_cuda_wheels
    if ! is_complete "$work/torch"; then
        missing="$(unfound_libraries "$work/torch" | paste -s -d ' ')"
        fail "the wheel of torch $version is not laid out as expected${missing:+; it lacks $missing}" \
            "choose another version with TORCH_VERSION, or an installed one with LIBTORCH"
    fi
    rm -rf "$home" "$work"/*.dist-info "$work/pip.log"
    chmod 755 "$work"
    mv "$work" "$home"
    say "libtorch $version is in $home ($(du -sm "$home" | cut -f 1) MB)"
}

# Only the link changes with the version, so libtorch.pc, which SwiftPM reads once, stays true; the
# compiler sees the other headers behind it.
point_package_at() {
    local torch="$1" folder="$package/.libtorch"
    mkdir -p "$folder"
    [[ "$(readlink "$folder/torch" || true)" == "$torch" ]] || ln -sfn "$torch" "$folder/torch"
    cat >"$folder/libtorch.pc.new" <<END
Name: libtorch
Description: libtorch, the C++ library of PyTorch
Version: $(sed -n 's/^ *"\([0-9.]*\)".*/\1/p' "$torch/include/torch/headeronly/version.h")
Cflags: -I$folder/torch/include -I$folder/torch/include/torch/csrc/api/include
Libs: -L$folder/torch/lib -ltorch_cpu -lc10
END
    mv "$folder/libtorch.pc.new" "$folder/libtorch.pc"
}

# Products look for libraries in their own folder ($ORIGIN). CUDA's are linked where they are installed
# beside torch: nothing requires them, torch loads them when there is a GPU.
link_libraries() {
    local torch="$1" root triple folder library
    root="$(dirname "$torch")"
    triple="$(swift -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p')"
    for folder in "$package/.build/$triple"/{debug,release}; do
        mkdir -p "$folder"
        for library in "$folder"/*.so*; do
            if [[ -L "$library" && "$(readlink "$library")" != "$root"/* ]]; then rm "$library"; fi
        done
        for library in "$torch"/lib/*.so* "$root"/nvidia/*/lib/*.so*; do
            if [[ -e "$library" && ! "$folder/${library##*/}" -ef "$library" ]]; then
                ln -sfn "$library" "$folder/"
            fi
        done
    done
}

if ! is_complete "$torch"; then
    [[ -z "${LIBTORCH:-}" ]] || fail "LIBTORCH=$LIBTORCH is not a usable libtorch" \
        "it must hold include/ and lib/libtorch_cpu.so, and what that library needs"
    fetch
fi
torch="$(cd "$torch" && pwd -P)"
point_package_at "$torch"
link_libraries "$torch"
