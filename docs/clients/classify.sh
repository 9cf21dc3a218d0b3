#!/usr/bin/env bash
# Ask the triage service about messages that wait in files. Needs bash 5 and curl, nothing else.
#
#     ./classify.sh spool/waiting/*.json
#
# Every file holds one message as JSON. It moves to spool/routed/DEPARTMENT/ or, where the decision
# needs a person or there is none, to spool/person/; the decision lies beside it. A file that was not
# settled stays where it is: run again. Nothing of a message or a decision is printed.
#
# Environment: TRIAGE_URL, TRIAGE_API_KEY, TRIAGE_SPOOL, TRIAGE_TIMEOUT_MS (all attempts together).
set -euo pipefail
umask 077

url=${TRIAGE_URL:-http://127.0.0.1:8000}
spool=${TRIAGE_SPOOL:-spool}
timeout_ms=${TRIAGE_TIMEOUT_MS:-10000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A file, because an argument could be read in the list of processes.
if [[ ${TRIAGE_API_KEY:-} ]]; then echo "Authorization: Bearer $TRIAGE_API_KEY"; fi >"$work/key"

now_ms() {
    local micros=${EPOCHREALTIME/[.,]/}
    echo $((micros / 1000))
}

seconds() { # milliseconds → seconds with three decimals
    printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
}

# One attempt: message, request id, milliseconds left, key. Prints the status, 000 where nobody answered.
# The message goes in by standard input, for the same reason.
post() {
    curl --silent --output "$work/answer" --dump-header "$work/headers" --write-out '%{http_code}' \
        --max-time "$(seconds $(($3 + 500)))" \
        --header 'Content-Type: application/json' --header 'Expect:' \
        --header "X-Request-ID: $2" --header "X-Request-Timeout-Ms: $3" \
        --header "Idempotency-Key: $4" --header "@$work/key" \
        --data-binary @- "${url%/}/v1/classify" <"$1" || true
}

# Sets `status` to the last answer's; the answer lies in $work/answer.
ask() {
    local file=$1 id=$2 key=$3 deadline left wait pause=200 asked
    deadline=$(($(now_ms) + timeout_ms))
    status=000
    while left=$((deadline - $(now_ms))) && ((left > 0)); do
        : >"$work/headers"
        status=$(post "$file" "$id" "$left" "$key")
        case $status in
        000 | 502 | 503) ;; # nobody there, a full queue, a service that starts: once more
        409 | 429) ;;       # an attempt whose line was cut still runs; this program asks too often
        *) return ;;        # the same message would get the same answer
        esac
        asked=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]\{1,4\}\).*/\1/p' "$work/headers" | tail -n 1)
        wait=$((${asked:-0} * 1000))
        # As late as the service asks, and no two clients at the same moment.
        wait=$(((wait > pause ? wait : pause) + RANDOM % pause))
        pause=$((pause * 2))
        (($(now_ms) + wait < deadline)) || return 0
        sleep "$(seconds $wait)"
    done
}

# The department to route to, or nothing. Within a JSON text a quotation mark is always escaped, so
# these patterns can only match the answer's own fields.
department() {
    grep -q '"needs_review":false' "$work/answer" || return 0
    sed -nE 's/.*"department":"(civil|administrative|public_interest|complaints)".*/\1/p' \
        "$work/answer" | head -n 1
}

settle() {
    local file=$1 id key to='' place=person urgent='' name beside
    id=$(cat /proc/sys/kernel/random/uuid)
    name=$(basename "$file")
    # What the service knows this message by, today and after a crash.
    key=$({ printf '%s\0' "$name" && cat "$file"; } | sha256sum)
    ask "$file" "$id" "${key%% *}"
    if [[ $status == 200 ]]; then
        to=$(department)
        if grep -q '"urgent":true' "$work/answer"; then urgent=' urgent'; fi
    fi
    if [[ $to ]]; then place=routed/$to; fi
    mkdir -p "$spool/$place"
    beside=$spool/$place/${name%.json}.decision.json
    if [[ $status == 200 ]] && grep -q '"needs_review":' "$work/answer"; then
        cp "$work/answer" "$beside.new"
        sync "$beside.new"
        mv "$beside.new" "$beside"
    fi
    # The message moves last: interrupted before, it is still waiting, and is asked under its key.
    mv "$file" "$spool/$place/$name"
    sync "$spool/$place"
    echo "$name $id $place status_$status$urgent"
}

left=0
for message in "$@"; do
    if [[ ! -r $message ]]; then
        echo "$message still waiting: it cannot be read" >&2
        left=1
        continue
    fi
    settle "$message"
done
exit "$left"
