#!/usr/bin/env bash
# Counts the instructions of every benchmark under callgrind and compares them with Thresholds/.
# `Benchmarks/run.sh --update` sets the thresholds to what is counted now.
#
# valgrind knows no AVX-512: under it the kernels for AVX2 are chosen and counted, whatever the processor has.
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
scratch="$root/.build-benchmarks"
counts="$scratch/callgrind.out"

command -v valgrind >/dev/null || {
    echo "benchmarks: valgrind is not installed (hint: apt-get install valgrind)" >&2
    exit 1
}
swift build --configuration release --package-path "$root/Benchmarks" --scratch-path "$scratch" >&2
# `make build` put libtorch beside the command.
export LD_LIBRARY_PATH="$root/.build/release${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# Hashes that are the same in every run, and no threads besides the one that counts.
export SWIFT_DETERMINISTIC_HASHING=1 OMP_NUM_THREADS=1
rm -f "$counts" "$counts".*
valgrind --tool=callgrind --combine-dumps=yes --dump-before=graft_benchmark_mark \
    --callgrind-out-file="$counts" --log-file="$scratch/callgrind.log" \
    "$scratch/release/benchmarks" measure
"$scratch/release/benchmarks" compare "$counts" "$@"
