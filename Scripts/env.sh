#!/usr/bin/env bash
# Prints which tools, libraries and folders Graft uses on this machine, to go with a bug report. Changes
# nothing; what is missing is said as such.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

row() { printf '%-10s %s\n' "$1" "$2"; }

# first_line COMMAND...: the first line it prints, or that it is missing.
first_line() {
    local output
    output="$("$@" 2>/dev/null || echo "missing ($1)")"
    echo "${output%%$'\n'*}"
}

torch="$package/.libtorch/torch"
row system "$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release), $(uname -m)"
row cores "$(nproc)"
row memory "$(awk '/^MemTotal/ { printf "%.1f GB", $2 / 1e6 }' /proc/meminfo)"
row disk "$(df -Pm "$package" | awk 'NR == 2 { printf "%.1f GB free", $4 / 1e3 }') for the build"
row swift "$(first_line swift --version)"
row python "$(first_line python3 -m pip --version)"
row gpu "$(first_line nvidia-smi --query-gpu=name,driver_version --format=csv,noheader)"
row commit "$(git -C "$package" describe --always --dirty 2>/dev/null || echo 'not a git clone')"
row cache "$cache"
if [[ -e "$torch/lib/libtorch_cpu.so" ]]; then
    version="$(PKG_CONFIG_PATH="$package/.libtorch" first_line pkg-config --modversion libtorch)"
    kind="$([[ -e "$torch/lib/libtorch_cuda.so" ]] && echo 'CUDA build' || echo 'CPU build')"
    row libtorch "$version, $kind, in $(readlink -f "$torch")"
else
    row libtorch 'missing (make setup)'
fi
