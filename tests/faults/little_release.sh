#!/bin/sh
# A whole release in plain sh, so small that thousands of cutovers fit into an hour:
#   little_release.sh serve RELEASE ROOT LEDGER   runs until SIGTERM: a run at once, then one every second
#   little_release.sh kpi TAPE...                 the same answer for each tape
# Outside the deployment it keeps a ledger that knows nothing of the engine: each content that it has published, and
# whether another release ran at the same time.
set -u
if [ "$1" = kpi ]; then
    shift
    for tape in "$@"; do
        [ -r "$tape" ] || exit 1
        echo '{"measurement_date": null, "rows": 2, "kpis": {"PAR30": {"value": 2.2, "reason": null}}}'
    done
    exit 0
fi
release=$2 root=$3 ledger=$4
asleep=
going=1
trap 'going=; [ -z "$asleep" ] || kill "$asleep" 2>/dev/null' TERM INT

# One release at a time: whoever finds the other one here has seen the worst that can happen.
exec 9>>"$ledger/alone"
flock -n 9 || echo "$release started while another release ran" >>"$ledger/violations"

read -r boot </proc/sys/kernel/random/boot_id
read -r stat </proc/$$/stat
set -- ${stat##*) }
shift 19
begun=$1

surely() { # COMMAND...: sets answer; whoever stops this service asks its children to end too, in the middle
    until answer=$("$@"); do :; done
}

hash_of() { # TEXT
    printf '%s' "$1" | sha256sum
}

event() { # event KIND RUN
    exec 8>>"$root/logs/events.jsonl.lock"
    surely flock 8
    last=
    [ ! -s "$root/logs/events.jsonl" ] || { surely tail -n 1 "$root/logs/events.jsonl" && last=$answer; }
    seq=0 prev=0000000000000000000000000000000000000000000000000000000000000000
    case $last in *\"seq\":*)
        seq=${last##*\"seq\":} seq=${seq%%,*}
        prev=${last##*\"hash\":\"} prev=${prev%%\"*} ;;
    esac
    head="{\"actor\":\"little\",\"at\":\"$now\",\"boot\":0.0,\"data\":{\"release\":\"$release\",\"run_id\":\"$2\"},"
    rest="\"kind\":\"$1\",\"operation\":null,\"operation_seq\":null,\"prev\":\"$prev\",\"seq\":$((seq + 1)),\"source\":\"pipeline\",\"v\":1}"
    surely hash_of "$head$rest"
    printf '%s"hash":"%s",%s\n' "$head" "${answer%% *}" "$rest" >>"$root/logs/events.jsonl"
    surely sync "$root/logs/events.jsonl"
    exec 8>&-
}

publish() {
    surely date -u '+%Y-%m-%dT%H:%M:%S.%3NZ %s%N'
    moment=$answer
    now=${moment% *}
    run="$release-${moment#* }-$$"
    name="kpis_$run.json"
    event run.started "$run"
    printf '{"run_id": "%s", "release": "%s", "kpis": {"PAR30": {"value": 2.2}}}\n' "$run" "$release" >"$root/data/metrics/$name.tmp" || return
    sync "$root/data/metrics/$name.tmp" || return
    mv "$root/data/metrics/$name.tmp" "$root/data/metrics/$name" || return
    sync "$root/data/metrics" || return
    surely sha256sum "$root/data/metrics/$name"
    sum=${answer%% *}
    echo "$release $sum $name" >>"$ledger/published"
    read -r tape rest <"$root/data/tape.sha256"
    event run.finished "$run"
    printf '{"audit_events":2,"build":"%s","ended":"%s","error":null,"errors":0,"incarnation":{"boot_id":"%s","pid":%d,"start_time":%s},"latency_ms":1.0,"outputs":[{"path":"data/metrics/%s","sha256":"%s"}],"release":"%s","rows":2,"run_id":"%s","started":"%s","status":"ok","tape":"data/raw/loan_tape.csv","tape_sha256":"%s","v":1}\n' \
        "$ABACO_OPS_BUILD" "$now" "$boot" "$$" "$begun" "$name" "$sum" "$release" "$run" "$now" "$tape" >>"$root/logs/runs.jsonl"
    sync "$root/logs/runs.jsonl"
}

while [ -n "$going" ]; do
    publish
    [ -n "$going" ] || break
    sleep 1 9>&- &
    asleep=$!
    wait "$asleep"
    asleep=
done
exit 0
