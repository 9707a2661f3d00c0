#!/usr/bin/env bash
# Makes the reference of every library in .build/docs with the toolchain's own docc, from the modules of the
# release build. A warning of docc, a link that leads nowhere say, is an error. Arguments: the libraries
# to document, by default all.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
cd "$package"

libraries=("$@")
if (($# == 0)); then
    # What the manifest publishes as libraries are Swift modules of the same name.
    mapfile -t libraries < <(swift package dump-package \
        | python3 -c 'import json, sys
for product in json.load(sys.stdin)["products"]:
    if "library" in product["type"]: print(product["name"])')
fi

# Its exit status also speaks of the tests' modules, which need not be there: what it wrote counts.
rm -rf .build/*/symbolgraph
log="$(swift package --configuration release dump-symbol-graph --minimum-access-level public \
    --skip-synthesized-members 2>&1)" || true
symbols="$(compgen -G '.build/*/symbolgraph')" || fail "there are no symbols: ${log##*$'\n'}"

docs=.build/docs
rm -rf "$docs"
failed=()
for library in "${libraries[@]}"; do
    [[ -e "$symbols/$library.symbols.json" ]] \
        || fail "there are no symbols of $library" "is it a library of Package.swift, and built?"
    mkdir -p "$docs/symbols/$library"
    find "$symbols" \( -name "$library.symbols.json" -o -name "$library@*.symbols.json" \) \
        -exec cp {} "$docs/symbols/$library/" \;
    catalog="Sources/$library/$library.docc"
    [[ -d "$catalog" ]] || catalog=
    if ! log="$(docc convert ${catalog:+"$catalog"} --warnings-as-errors \
        --additional-symbol-graph-dir "$docs/symbols/$library" --output-path "$docs/$library.doccarchive" \
        --fallback-display-name "$library" --fallback-bundle-identifier "$library" 2>&1)"; then
        printf '%s\n' "$log" >&2
        failed+=("$library")
    fi
done
((${#failed[@]} == 0)) || fail "docc found faults in the reference of ${failed[*]}"
say "${#libraries[@]} libraries are described in $docs"
