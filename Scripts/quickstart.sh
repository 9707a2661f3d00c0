#!/usr/bin/env bash
# Trains three adapters on one frozen model, checks them on held-out rows and lets them read new messages.
# Usage: Scripts/quickstart.sh GRAFT MODEL. Takes one to two minutes on two cores; run again, it trains anew.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
(($# == 2)) || fail "usage: Scripts/quickstart.sh GRAFT MODEL" "make quickstart"
graft="$(realpath "$1")"
model="$2"
cd "$package"

data=Examples/support-tickets
runs=runs/quickstart
adapters=(queue urgency sentiment)
# Adapters in the upper half of the blocks: nothing below them is differentiated, which saves a third of the
# time and, on these rows, costs no accuracy.
training=(--method 'double_seq_bn[leave_out=[0,1,2]]' --head-pooling mean
    --epochs 5 --batch 16 --learning-rate 2e-3)

# figure NAME: the number of that name in $result, the JSON object that `graft train --json` printed.
figure() { sed -nE "s/.*\"$1\": ([-+.0-9e]+).*/\1/p" <<<"$result"; }

table="$(printf '%-10s %9s %9s %10s %8s %8s %8s' \
    adapter accuracy majority parameters 'of all' seconds 'peak MB')"
for label in "${adapters[@]}"; do
    say "training '$label': ${training[*]}"
    result="$("$graft" train --model "$model" --train "$data/train.jsonl" --eval "$data/eval.jsonl" \
        --label-column "$label" "${training[@]}" --output "$runs/$label" --overwrite --json)"
    share="$(awk "BEGIN { print 100 * $(figure trainable_parameters) / $(figure total_parameters) }")"
    table+="$(printf '\n%-10s %9.3f %9.3f %10d %7.1f%% %8.1f %8.0f' "$label" \
        "$(figure score)" "$(figure majority_baseline)" "$(figure trainable_parameters)" "$share" \
        "$(figure train_seconds)" "$(awk "BEGIN { print $(figure peak_rss_bytes) / 1e6 }")")"
done

echo
echo "Three adapters on one frozen model; accuracy on 120 held-out messages, at the best of 5 epochs:"
echo
echo "$table"
echo
echo "What they make of new messages:"
echo
"$graft" predict --model "$model" "${adapters[@]/#/--adapter=$runs/}" --table \
    --text "You charged my card twice and the rent is due tomorrow. Fix this now!" \
    --text "Does the doorbell work without a subscription? No hurry, I am only curious." \
    --text "The new thermostat looks lovely and pairs in seconds. Wonderful work, thank you!"
echo
echo "Reports, one page each:"
printf "  %s/report.html\n" "${adapters[@]/#/$runs/}"
