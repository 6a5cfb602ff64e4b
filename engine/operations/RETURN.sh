#!/bin/sh
# RETURN.sh: back to the old release, for the night when abaco-ops itself does not start.
#
#   sh RETURN.sh                 says what it would do, asks, does it
#   sh RETURN.sh --dry-run       checks everything, changes nothing
#   sh RETURN.sh --yes           does not ask
#   sh RETURN.sh --reason TEXT   why; stands in the record
#
# It needs a POSIX shell and coreutils; flock and setsid (util-linux) are used where they are. It is the rollback of
# abaco-ops in the same order, written into the same records: either goes on with what the other left half-done.
# Killed at any point, it is simply run again. Nothing is deleted: what the new release wrote is set aside.
#
# Exit codes: 0 done; 2 refused, nothing changed; 3 failed, and everything is as it was; 4 a person is needed;
# 5 somebody else operates.
#
# shellcheck disable=SC2317,SC2329 # steps are called by their names
# shellcheck disable=SC2016,SC2089,SC2090 # a name may have a dollar in it; the command that is shown is never run
# shellcheck disable=SC2013,SC2015 # lists are split at line ends on purpose; a failed part is a failure of the whole
set -u
set -f # names are never expanded, but where a directory is listed
CALLED_UMASK=$(umask)
umask 027
FILE_MODE=640
CALLED_LC_ALL=${LC_ALL-}
LC_ALL=C
export LC_ALL
NL='
'
# >>> what the cutover wrote in; everything below is the same for every deployment
ROOT=/deployment
CUTOVER=0000-cutover
SNAPSHOT=0000
OLD=v1
NEW=v2
CONFIG=config/pipeline.yml
TREES=data/metrics
STAGED=/deployment/.rollback/staged/0000/data/metrics
START_LINE='cd /deployment && /bin/false'
SEAL=0
SUMS=0
ENTRIES=0
CONFIG_SUM=0
IDENTITY=0
OLD_SERVICE=old
OLD_MARK='/deployment|old'
OLD_BUILD=0
OLD_UNIT='' # what systemd calls it; empty where it runs under a supervisor of its own
NEW_SERVICE=new
NEW_MARK='/deployment|new'
NEW_UNIT=''
STOP_DEADLINE=2000 # hundredths of a second, as the next one
VERIFY_HOLD=1000
PLAN_JSON='{}'
STEPS_JSON='[]'
MANIFEST_JSON='{}'
TELL_TEXT='nobody is named'
TELL_JSON='[]'
NOT_COVERED_JSON='[]'
BUILD_JSON='{}'
old_command() {
    "$@" /bin/false
}
all_steps() { # one's own steps (load balancer, migration, cache) stand between these, each with a function of its own
    step choose_snapshot '0 prepare' false 'snapshot whole, its tree staged'
}
own_commands() { # by hand: those of one's own steps that are not done
    :
}
# <<< what the cutover wrote in

ROLLBACK=$ROOT/.rollback
OPERATIONS=$ROLLBACK/operations
SNAPSHOTS=$ROLLBACK/snapshots
SERVICES=$ROLLBACK/services
HERE=$SNAPSHOTS/$SNAPSHOT
SAID=''
YES='' DRY='' REASON='' OPERATION='' DIRECTORY='' WHY='' WAY='' PAST='' HAVE_FLOCK='' HAVE_SETSID=''
SEQ=0 STEP='' DONE_STEPS=' ' LISTS=''

# ---- what people read ------------------------------------------------------------------------------------------

now() { # NOW: the time in UTC, as every record of abaco-ops has it
    NOW=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
}

say() { # TEXT: one line, also into the logs; a terminal that is gone or a full disk stops nothing here
    now
    printf '%s  %s\n' "$NOW" "$1" 2>/dev/null || :
    [ -n "$DIRECTORY" ] || return 0
    { printf '%s %s %s\n' "$NOW" "$OPERATION" "$1" >>"$ROOT/logs/rollback.log"; } 2>/dev/null || :
    { printf '%s %s %s\n' "$NOW" "$OPERATION" "$1" >>"$DIRECTORY/output.log"; } 2>/dev/null || :
}

refuse() { # CODE TEXT WAY: nothing was changed
    printf 'RETURN.sh: %s\n' "$2" >&2 2>/dev/null || :
    [ -z "$3" ] || printf '  -> %s\n' "$3" >&2 2>/dev/null || :
    exit "$1"
}

# ---- files -----------------------------------------------------------------------------------------------------

make_room() { # the space kept for a rollback; fails when it is given back already, or room is not what lacked
    case $SAID in # the system's words come last; a path before them may hold anything
    *': Permission denied' | *': Operation not permitted' | *': Read-only file system') return 1 ;;
    *': Is a directory' | *': Not a directory' | *': No such file or directory' | 'mv: cannot overwrite directory '*) return 1 ;;
    esac
    [ -f "$ROLLBACK/reserve" ] && rm -f "$ROLLBACK/reserve" && say 'WARNING the disk is full: the kept space was given back; make room'
}

put_once() { # FILE TEXT MODE
    SAID=$({ printf '%s\n' "$2" >"$1.new.tmp" && chmod "$3" "$1.new.tmp" && sync "$1.new.tmp" && mv -f -T "$1.new.tmp" "$1"; } 2>&1) || return 1
    sync "${1%/*}"
}

put() { # FILE TEXT [MODE]: wholly the old content or wholly the new one, on the disk
    put_once "$1" "$2" "${3-$FILE_MODE}" && return 0
    make_room && put_once "$1" "$2" "${3-$FILE_MODE}" && return 0
    rm -f "$1.new.tmp"
    WHY="$1 cannot be written"
    WAY='make room, or mount it writable'
    return 1
}

json() { # TEXT: sets JSON to it as a JSON string; sets ODD when it holds what a JSON text cannot
    ODD=''
    JSON=\"$1\"
    case $1 in
    *[!\ -~]* | *[\"\\]*) ;;
    *) return 0 ;;
    esac
    rest=$1
    JSON=''
    while [ -n "$rest" ]; do
        after=${rest#?}
        one=${rest%"$after"}
        case $one in
        \" | \\) JSON="$JSON\\$one" ;;
        "$NL") JSON="$JSON\\n" ;;
        [[:cntrl:]]) JSON="$JSON\\u00$(printf '%s' "$one" | od -An -tx1 | tr -d ' ')" ;;
        *) JSON=$JSON$one ;;
        esac
        rest=$after
    done
    JSON=\"$JSON\"
    case $1 in
    *[!\ -~]*) is_utf8 "$1" || ODD=1 ;;
    esac
}

is_utf8() { # TEXT: whether its bytes are
    wanted=0 least=128 most=191
    for byte in $(printf '%s' "$1" | od -An -v -tu1 | tr -s ' ' '\n'); do
        if [ "$wanted" -gt 0 ]; then
            [ "$byte" -ge "$least" ] && [ "$byte" -le "$most" ] || return 1
            wanted=$((wanted - 1)) least=128 most=191
            continue
        fi
        case $byte in
        ? | ?? | 10? | 11? | 12[0-7]) ;;
        19[4-9] | 20? | 21? | 22[0-3]) wanted=1 ;;
        22[4-9] | 23?) wanted=2 ;;
        24[0-4]) wanted=3 ;;
        *) return 1 ;;
        esac
        case $byte in # no longer form than needed, no surrogate, nothing beyond the last character
        224) least=160 ;;
        237) most=159 ;;
        240) least=144 ;;
        244) most=143 ;;
        esac
    done
    [ "$wanted" -eq 0 ]
}

decimal() { # TEXT: sets DECIMAL to the number as JSON writes it: 12.50 is 12.5, 12.00 is 12.0
    DECIMAL=$1
    case $1 in *.*) ;; *) DECIMAL=$1.0 ;; esac
    while :; do
        case $DECIMAL in
        *.0) return 0 ;;
        *0) DECIMAL=${DECIMAL%0} ;;
        *) return 0 ;;
        esac
    done
}

uptime() { # UP: seconds since boot; HUNDREDTHS: the same as a whole number
    read -r UP rest </proc/uptime || UP=''
    case $UP in [0-9]*.[0-9][0-9]) ;; *) UP=0.00 ;; esac
    HUNDREDTHS=$((${UP%.*} * 100 + 1${UP#*.} - 100))
}

since() { # HUNDREDTHS THEN: sets DECIMAL to the seconds since
    uptime
    passed=$((HUNDREDTHS - $1))
    fraction=$((passed % 100))
    [ "$fraction" -ge 10 ] || fraction=0$fraction
    decimal "$((passed / 100)).$fraction"
}

inode() { # FILE: sets INODE, unfollowed; null when it is not there
    INODE=null
    [ -e "$1" ] || [ -L "$1" ] || return 0
    INODE=$(stat -c %i -- "$1")
}

can_lock() { # FILE: a file that cannot be opened would end this shell
    { : >>"$1"; } 2>/dev/null && return 0
    WHY="$1 cannot be written" WAY='become the user who runs the services, or make room'
    return 1
}

new_number() { # DIRECTORY SUFFIX: makes DIRECTORY/NNNN-SUFFIX; sets NEW_NAME. Numbers are never given twice
    mkdir -p "$1"
    if [ -n "$HAVE_FLOCK" ]; then
        can_lock "$1/.numbers.lock" || return 1
        exec 7>>"$1/.numbers.lock"
        flock -w 5 7 || { WHY="$1/.numbers.lock is held"; WAY='see who holds it: lsof'; return 1; }
    fi
    last=0
    [ ! -f "$1/.last" ] || last=$(cat "$1/.last")
    case $last in '' | *[!0-9]*) last=0 ;; esac
    while :; do case $last in 0?*) last=${last#0} ;; *) break ;; esac; done
    set +f
    for taken in "$1"/[0-9][0-9][0-9][0-9]*; do
        taken=${taken##*/}
        taken=${taken%"${taken#????}"}
        while :; do case $taken in 0*) taken=${taken#0} ;; *) break ;; esac; done
        case $taken in '' | *[!0-9]*) continue ;; esac
        [ "$taken" -le "$last" ] || last=$taken
    done
    set -f
    last=$((last + 1))
    put "$1/.last" "$last" || return 1
    NEW_NAME=$last
    while [ ${#NEW_NAME} -lt 4 ]; do NEW_NAME=0$NEW_NAME; done
    NEW_NAME=$NEW_NAME$2
    mkdir "$1/$NEW_NAME" && sync "$1" || { WHY="$1/$NEW_NAME cannot be made"; return 1; }
    [ -z "$HAVE_FLOCK" ] || exec 7>&-
}

# ---- the journal: the records of abaco-ops, byte for byte ------------------------------------------------------

whole_lines() { # FILE: cuts off a last line that was never finished
    [ -s "$1" ] || return 0
    [ -n "$(tail -c 1 "$1")" ] || return 0
    whole=$(wc -l <"$1")
    truncate -s "$(head -n "$whole" "$1" | wc -c)" "$1"
}

append() { # FILE LINE
    size=0
    [ ! -f "$1" ] || size=$(stat -c %s "$1")
    { printf '%s\n' "$2" >>"$1" && sync "$1"; } 2>/dev/null && return 0
    truncate -s "$size" "$1" 2>/dev/null
    return 1
}

record() { # KIND BEFORE-AT BEFORE-KIND BEFORE-SEQ AFTER-SEQ: keys in their order, each piece "key":value,
    now
    uptime
    decimal "$UP"
    SEQ=$((SEQ + 1))
    line="{$2\"at\":\"$NOW\",\"boot\":$DECIMAL,\"boot_id\":\"$BOOT\",$3\"kind\":\"$1\",$4\"seq\":$SEQ$5}"
    append "$JOURNAL" "$line" && return 0
    SAID=''
    make_room && append "$JOURNAL" "$line" && return 0
    say "STOPPED: the journal $JOURNAL cannot be written; nothing was done since its last record"
    commands
    exit 4
}

fact() { # NAME JSON
    record fact '' '' "\"name\":\"$1\"," ",\"value\":$2"
}

known() { # NAME: sets KNOWN to the newest fact of this name, as JSON; empty when there is none
    KNOWN=''
    IFS=$NL
    for line in $(cat "$JOURNAL"); do
        case $line in
        *'"kind":"fact"'*"\"name\":\"$1\",\"seq\":"*)
            KNOWN=${line#*'"value":'}
            KNOWN=${KNOWN%\}}
            ;;
        esac
    done
    unset IFS
    [ -n "$KNOWN" ]
}

warn() { # TEXT: something a person must read, that stops nothing
    json "$1"
    record warning '' "\"detail\":$JSON," '' ''
    say "WARNING $1"
}

event() { # KIND DATA SEQ OPERATION: into the audit trail, chained; nothing in it stops the way back
    trail=$ROOT/logs/events.jsonl
    [ -f "$trail" ] || return 0
    if [ -n "$HAVE_FLOCK" ]; then
        can_lock "$trail.lock" || { say "WARNING $WHY: $1 is only in the journal"; return 0; }
        exec 6>>"$trail.lock"
        flock -w 1 6 || { exec 6>&-; say "WARNING the audit trail is locked: $1 is only in the journal"; return 0; }
    fi
    last=$(tail -n 1 "$trail")
    if [ -n "$(tail -c 1 "$trail")" ]; then
        [ -z "$HAVE_FLOCK" ] || exec 6>&-
        say "WARNING the audit trail ends in half a line: $1 is only in the journal"
        return 0
    fi
    previous=0000000000000000000000000000000000000000000000000000000000000000
    number=0
    [ -z "$last" ] || previous=damaged number=-1 # as the engine does: the trail goes on, and verifying it finds the line
    case $last in
    *'"hash":"'*'"prev":"'*'"seq":'*)
        number=$(expr "$last" : '.*"seq":\([0-9]*\),"source"')
        previous=$(expr "$last" : '.*"hash":"\([0-9a-f]*\)","kind"')
        ;;
    esac
    case $number in -1) ;; '' | *[!0-9]*) previous=damaged number=-1 ;; esac
    now
    uptime
    decimal "$UP"
    head="{\"actor\":$ACTOR_JSON,\"at\":\"$NOW\",\"boot\":$DECIMAL,\"data\":$2,"
    tail="\"kind\":\"$1\",\"operation\":\"$4\",\"operation_seq\":$3,\"prev\":\"$previous\",\"seq\":$((number + 1)),\"source\":\"operation\",\"v\":1}"
    hash=$(printf '%s' "$head$tail" | sha256sum)
    append "$trail" "$head\"hash\":\"${hash%% *}\",$tail" || say "WARNING the audit trail cannot be written: $1 is only in the journal"
    [ -z "$HAVE_FLOCK" ] || exec 6>&-
}

# ---- processes -------------------------------------------------------------------------------------------------

read_stat() { # PID: sets STATE SESSION START; fails when there is none, or only a zombie
    stat_line=''
    while IFS= read -r part; do stat_line=$stat_line$part; done 2>/dev/null <"/proc/$1/stat" || return 1
    [ -n "$stat_line" ] || return 1
    unset IFS
    # shellcheck disable=SC2086 # numbers, to be split
    set -- ${stat_line##*)}
    [ $# -ge 20 ] || return 1
    STATE=$1 SESSION=$4 START=${20}
    case $STATE in Z | X) return 1 ;; esac
}

alive() { # PID START: whether exactly this process runs
    [ -n "$1" ] && read_stat "$1" && [ "$START" = "$2" ]
}

signal() { # NAME PID START: exactly this process, never a later one with its number
    if alive "$2" "$3"; then kill -s "$1" "$2" 2>/dev/null || :; fi
}

identity() { # JSON: sets PID and BORN of {"pid":..,"start_time":..,"boot_id":..}; empty for null or another boot
    PID='' BORN=''
    case $1 in
    *"\"$BOOT\""*)
        PID=${1#*'"pid":'} BORN=${1#*'"start_time":'}
        PID=${PID%%[!0-9]*} BORN=${BORN%%[!0-9]*}
        ;;
    esac
}

copied() { # JSON DIRECTORY: whether it was written in another directory, which is there still: its processes are not ours
    case $1 in *'"written_in":"'*) ;; *) return 1 ;; esac
    written=${1#*'"written_in":"'} written=${written%%\"*}
    [ -n "$written" ] && [ "$written" != "$2" ] && [ -d "$written" ] || return 1
    [ "$(stat -L -c %d:%i -- "$written" 2>/dev/null)" != "$(stat -L -c %d:%i -- "$2" 2>/dev/null)" ]
}

unit_of() { # SERVICE or MARK: sets UNIT
    UNIT=''
    case $1 in
    "$OLD_SERVICE" | "$OLD_MARK") UNIT=$OLD_UNIT ;;
    "$NEW_SERVICE" | "$NEW_MARK") UNIT=$NEW_UNIT ;;
    esac
}

manager() { # WORDS...: asks systemd, and waits 10 s at most
    timeout -k 1 10 systemctl --no-pager --no-ask-password "$@" 8>&- 9>&-
}

unit_pids() { # UNIT: sets MARKED to more: every process in its control group
    group=$(manager show -p ControlGroup --value "$1" 2>/dev/null)
    [ -n "${group#/}" ] || return 0
    set +f
    for mount in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
        for inside in $(cat "$mount$group"/cgroup.procs "$mount$group"/*/cgroup.procs 2>/dev/null); do
            case " $MARKED " in *" $inside "*) ;; *) MARKED="$MARKED $inside" ;; esac
        done
    done
    set -f
}

stop_unit() { # NAME UNIT: sets was and UNIT_KILLED; fails while systemd may start it again
    was='' UNIT_KILLED=''
    case $(manager show -p ActiveState --value "$2") in inactive | failed) return 0 ;; esac
    was=1
    # what it says shows in the end: whether the unit is down
    manager stop --no-block "$2" || :
    uptime
    late=$((HUNDREDTHS + STOP_DEADLINE))
    too_late=$((late + 500))
    while [ "$HUNDREDTHS" -lt "$too_late" ]; do
        case $(manager show -p ActiveState --value "$2") in inactive | failed) return 0 ;; esac
        if [ "$HUNDREDTHS" -ge "$late" ]; then
            UNIT_KILLED=1
            manager kill --signal=SIGKILL "$2" || :
        fi
        sleep 0.1
        uptime
    done
    WHY="$1 did not stop: systemd says $(manager show -p ActiveState --value "$2" 2>&1) of $2"
    WAY="stop it as root: systemctl stop $2; then run this script again; nothing else was started"
    return 1
}

service_state() { # SERVICE: what its supervisor wrote down: STAGE RESTARTS MAIN_PID MAIN_START SUP_PID SUP_START
    STAGE='' RESTARTS='[]' MAIN_PID='' MAIN_START='' SUP_PID='' SUP_START=''
    unit_of "$1"
    if [ -n "$UNIT" ]; then
        MAIN_PID=$(manager show -p MainPID --value "$UNIT" 2>/dev/null)
        if [ "${MAIN_PID:-0}" != 0 ] && read_stat "$MAIN_PID"; then MAIN_START=$START; else MAIN_PID=''; fi
        return 0
    fi
    [ -f "$SERVICES/$1/state.json" ] || return 0
    text=$(cat "$SERVICES/$1/state.json")
    ! copied "$text" "$SERVICES/$1" || return 0
    case $text in *'"supervisor":'*'"main":'*'"restarts":'*) ;; *) return 0 ;; esac
    STAGE=${text#*'"stage":"'} STAGE=${STAGE%%\"*}
    RESTARTS=${text#*'"restarts":'} RESTARTS=${RESTARTS%%]*}]
    part=${text#*'"supervisor":'}
    case $part in '{'*) identity "${part%%\}*}"; SUP_PID=$PID SUP_START=$BORN ;; esac
    part=${text#*'"main":'}
    case $part in '{'*) identity "${part%%\}*}"; MAIN_PID=$PID MAIN_START=$BORN ;; esac
}

write_state() { # SERVICE WANTED STAGE MAIN SINCE REASON KILLED
    unit_of "$1"
    [ -z "$UNIT" ] || return 0 # systemd knows
    mkdir -p "$SERVICES/$1" || return 1
    json "$SERVICES/$1"
    put "$SERVICES/$1/state.json" "{\"wanted\":\"$2\",\"stage\":\"$3\",\"supervisor\":null,\"main\":$4,\"since\":$5,\"restarts\":$RESTARTS,\"reason\":\"$6\",\"killed\":$7,\"stop_seconds\":0.0,\"written_in\":$JSON}"
}

marked() { # MARK: sets MARKED to the pids whose environment carries it, or one below it
    MARKED=''
    set +f
    environments=$(head -v -c 2097152 /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n')
    set -f
    case $NL$environments$NL in *"${NL}ABACO_OPS_SERVICE=$1$NL"* | *"${NL}ABACO_OPS_SERVICE=$1/"*) ;; *) return 0 ;; esac
    IFS=$NL
    for line in $environments; do
        case $line in
        '==> /proc/'*'/environ <==') owner=${line#'==> /proc/'} owner=${owner%%/*} ;;
        "ABACO_OPS_SERVICE=$1" | "ABACO_OPS_SERVICE=$1/"*) MARKED="$MARKED $owner" ;;
        esac
    done
    unset IFS
}

remains() { # MARK MAIN_PID MAIN_START: sets LEFT to "pid:start ..." of every process of the service
    LEFT='' MEMBERS=' '
    marked "$1"
    unit_of "$1"
    [ -z "$UNIT" ] || unit_pids "$UNIT"
    ! alive "$2" "$3" || MEMBERS=" $2 "
    main=$2 began=$3
    for number in $MARKED; do MEMBERS="$MEMBERS$number "; done
    set +f
    stats=$(cat /proc/[0-9]*/stat 2>/dev/null)
    set -f
    again=1
    while [ -n "$again" ]; do # whatever descends from a member is one
        again=''
        IFS=$NL
        for line in $stats; do
            number=${line%%[!0-9]*}
            case "$MEMBERS" in *" $number "*) continue ;; esac
            unset IFS
            belongs "${line##*)}" && [ "$number" != $$ ] && MEMBERS="$MEMBERS$number " && again=1
            IFS=$NL
        done
        unset IFS
    done
    for number in $MEMBERS; do
        ! read_stat "$number" || LEFT="$LEFT $number:$START"
    done
}

belongs() { # REST OF A LINE of /proc/PID/stat: whether its parent is a member, or its session the service's
    # shellcheck disable=SC2086 # numbers, to be split
    set -- $1
    case "$MEMBERS" in *" ${2-} "*) return 0 ;; esac
    [ -n "$main" ] && [ "${4-}" = "$main" ] && [ "${20-0}" -ge "$began" ]
}

named() { # "pid:start ...": sets NAMED to the same for people
    NAMED=''
    for process in $1; do
        NAMED="$NAMED ${process%%:*} $(tr '\0' ' ' 2>/dev/null <"/proc/${process%%:*}/cmdline" | tr -c '[:print:]' '?' | head -c 100);"
    done
}

wait_gone() { # PID START HUNDREDTHS: until it is gone, at most this long
    uptime
    until_then=$((HUNDREDTHS + $3))
    while alive "$1" "$2"; do
        uptime
        [ "$HUNDREDTHS" -lt "$until_then" ] || return 1
        sleep 0.05
    done
}

lock_service() { # SERVICE: nobody else starts or stops it meanwhile
    [ -n "$HAVE_FLOCK" ] || return 0
    mkdir -p "$SERVICES/$1"
    can_lock "$SERVICES/$1/lock" || return 1
    exec 8>>"$SERVICES/$1/lock"
    flock -w 3 8 && return 0
    WHY="somebody holds $SERVICES/$1/lock: a supervisor that is not known"
    WAY="see who: lsof $SERVICES/$1/lock"
    return 1
}

unlock_service() {
    [ -z "$HAVE_FLOCK" ] || exec 8>&-
}

stop_release() { # NAME SERVICE MARK: stops it and is sure; sets DETAIL
    was='' UNIT_KILLED='' asked_for=''
    unit_of "$2"
    [ -z "$UNIT" ] || stop_unit "$1" "$UNIT" || return 1
    service_state "$2"
    if alive "$SUP_PID" "$SUP_START"; then # first, or it starts again what is stopped
        was=1
        signal TERM "$SUP_PID" "$SUP_START"
        signal CONT "$SUP_PID" "$SUP_START"
        # another account's cannot be signalled, but asked where a group works: whoever lives reads it
        if [ -p "$SERVICES/$2/ask" ] && ! kill -0 "$SUP_PID" 2>/dev/null && alive "$SUP_PID" "$SUP_START"; then
            printf 'end\n' >"$SERVICES/$2/ask" || :
            asked_for=1
        fi
        wait_gone "$SUP_PID" "$SUP_START" $((STOP_DEADLINE + 800)) || {
            signal KILL "$SUP_PID" "$SUP_START"
            wait_gone "$SUP_PID" "$SUP_START" 500 || :
        }
    fi
    lock_service "$2" || return 1
    end_processes "$3"
    KILLED=$KILLED$UNIT_KILLED
    killed=false
    [ -z "$KILLED" ] || killed=true
    if [ -n "$LEFT" ]; then
        named "$LEFT"
        WHY="$1 did not stop; still there:$NAMED"
        WAY='end these processes, then run this script again; nothing else was started'
        unlock_service
        return 1
    fi
    DETAIL="$1 was not running"
    service_state "$2"
    if [ -n "$asked_for" ] && [ "$STAGE" != stopped ]; then
        WHY="$1 did not stop: the supervisor of another account has given up, and its processes cannot be seen"
        WAY='run this script as that account, or as root; nothing else was started'
        unlock_service
        return 1
    fi
    [ -z "$was$ASKED$KILLED" ] || DETAIL="$1 stopped; no process is left"
    [ -z "$KILLED" ] || DETAIL="$1 was killed after its deadline; no process is left"
    case $STAGE in
    stopped | '') ;;
    *) write_state "$2" down stopped null null '' "$killed" || { unlock_service; return 1; } ;;
    esac
    unlock_service
}

end_processes() { # MARK: of the service whose state was read; sets LEFT, ASKED and KILLED
    ASKED='' KILLED=''
    uptime
    late=$((HUNDREDTHS + STOP_DEADLINE))
    too_late=$((late + 500))
    remains "$1" "$MAIN_PID" "$MAIN_START"
    while [ -n "$LEFT" ] && [ "$HUNDREDTHS" -lt "$too_late" ]; do
        for process in $LEFT; do
            if [ "$HUNDREDTHS" -ge "$late" ]; then
                KILLED=1
                signal KILL "${process%%:*}" "${process#*:}"
                continue
            fi
            case "$ASKED " in *" $process "*) continue ;; esac
            ASKED="$ASKED $process"
            signal TERM "${process%%:*}" "${process#*:}"
            signal CONT "${process%%:*}" "${process#*:}"
        done
        sleep 0.05
        uptime
        for process in $LEFT; do # the whole list is read again only when one that was known is gone
            alive "${process%%:*}" "${process#*:}" || { LEFT=''; break; }
        done
        if [ -z "$LEFT" ] || [ "$HUNDREDTHS" -ge "$late" ]; then
            remains "$1" "$MAIN_PID" "$MAIN_START"
        fi
    done
}

# ---- snapshots -------------------------------------------------------------------------------------------------

sum_of() { # FILE: sets SUM
    SUM=$(sha256sum <"$1") 2>/dev/null || SUM=none
    SUM=${SUM%% *}
}

walk() { # DIRECTORY (below the current one): a line for each name below it; links are not followed
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        line_of "$entry" || walk "$entry"
    done
}

line_of() { # NAME: prints its line; fails for a directory, which is to be looked into
    if [ -n "$LISTS" ]; then
        case $1 in *"$NL"*) entry_now "$1"; return ;; esac
    fi
    if [ -L "$1" ]; then
        target=''
        [ -n "$LISTS" ] || target=" -> $(readlink -- "$1")" # a name may have an arrow in it: a list needs the name alone
        printf 'l %s%s\n' "$1" "$target" || BROKEN=1
    elif [ -d "$1" ]; then
        printf 'd %s\n' "$1" || BROKEN=1
        return 1
    elif [ -f "$1" ]; then
        printf 'f %s\n' "$1" || BROKEN=1
    elif [ -e "$1" ]; then
        printf '? %s\n' "$1" || BROKEN=1
    fi
    return 0
}

walk_covered() { # COVERED...: itself and everything below it
    set +f
    for covered in "$@"; do line_of "$covered" || walk "$covered"; done
    set -f
}

covered_by() { # COVERED: the lines of $HERE/entries that are about it
    IFS=$NL
    while IFS= read -r line; do
        name=${line#? }
        case $name in "$1" | "$1/"* | "$1 -> "*) printf '%s\n' "$line" ;; esac
    done <"$HERE/entries"
    unset IFS
}

check_sums() { # DIRECTORY: every file of the list has its hash there; sets WHY
    [ -s "$HERE/sha256sums" ] || return 0
    wrong=$(cd "$1" && sha256sum --quiet --strict -c "$HERE/sha256sums" 2>&1) && return 0
    said_wrong "$1"
}

not_read() { # NAME: sets WHY and WAY; what this account may not read is not damaged for that
    WHY="snapshot $SNAPSHOT cannot be read by $(id -un): $1"
    WAY="nothing was touched and $NEW goes on. Run this as $(stat -c %U -- "$HERE") or as root"
}

said_wrong() { # DIRECTORY: sets WHY from what sha256sum said
    wrong=$(printf '%s' "$wrong" | head -n 1 | tr -c '[:print:]' '?')
    WHY="in $1: $wrong"
    return 1
}

check_snapshot() { # seal, lists, every hash, and nothing that does not belong there
    [ -r "$HERE" ] && [ -x "$HERE" ] || { not_read "$HERE"; return 1; }
    for part in COMPLETE manifest.json sha256sums entries tree; do
        [ ! -e "$HERE/$part" ] || [ -r "$HERE/$part" ] || { not_read "$HERE/$part"; return 1; }
    done
    WAY="nothing was touched and $NEW goes on. What is damaged: cd $HERE/tree && sha256sum --quiet -c ../sha256sums"
    sum_of "$HERE/manifest.json"
    WHY="snapshot $SNAPSHOT is damaged: "
    [ "$SUM" = "$SEAL" ] && [ "$(cat "$HERE/COMPLETE" 2>/dev/null)" = "$SEAL" ] || { WHY="${WHY}its manifest is not the one that was sealed"; return 1; }
    sum_of "$HERE/sha256sums"
    [ "$SUM" = "$SUMS" ] || { WHY="${WHY}its list sha256sums is not the one of this script"; return 1; }
    sum_of "$HERE/entries"
    [ "$SUM" = "$ENTRIES" ] || { WHY="${WHY}its list entries is not the one of this script"; return 1; }
    if ! check_sums "$HERE/tree"; then
        case $WHY in *': Permission denied'*) not_read "${WHY#in }"; return 1 ;; esac
        WHY="snapshot $SNAPSHOT is damaged $WHY"
        return 1
    fi
    IFS=$NL
    # shellcheck disable=SC2086 # one name a line
    other=$(cd "$HERE/tree" && walk_covered $CONFIG $TREES | sort | comm -3 - "$HERE/entries" | head -n 1 || echo 'its tree cannot be looked at')
    unset IFS
    [ -z "$other" ] || { WHY="snapshot $SNAPSHOT is damaged: ${other#	}"; return 1; }
    WHY='' WAY=''
}

staged_of() { # TREE: sets PLACE to where its staged copy stands, and PLACES to the directory that names count from
    IFS=$NL
    # shellcheck disable=SC2086 # one name a line
    set -- "$1" $TREES
    wanted=$1 index=0
    shift
    for tree_name in "$@"; do
        index=$((index + 1))
        [ "$tree_name" != "$wanted" ] || break
    done
    # shellcheck disable=SC2086
    set -- $STAGED
    unset IFS
    shift $((index - 1))
    PLACE=$1
    PLACES=${1%"/$wanted"}
}

held() { # TREE: whether the snapshot has anything there
    [ -e "$HERE/tree/$1" ] || [ -L "$HERE/tree/$1" ]
}

check_staged() { # TREE DIRECTORY: whether the copy below this directory is whole
    WHY=''
    [ -e "$2/$1" ] || [ -L "$2/$1" ] || { WHY="$1 is not staged"; return 1; }
    other=$(cd "$2" && walk_covered "$1" | sort >"$WORK/found" && covered_by "$1" | sort | comm -3 - "$WORK/found" | head -n 1 || echo "$1 cannot be looked at")
    [ -z "$other" ] || { WHY="staged: ${other#	}"; return 1; }
    sums=$(sums_below "$1")
    [ -n "$sums" ] || return 0
    wrong=$(cd "$2" && printf '%s\n' "$sums" | sha256sum --quiet --strict -c - 2>&1) && return 0
    said_wrong "$2"
}

sums_below() { # TREE: the lines of sha256sums about it
    while IFS= read -r line; do
        name=${line#*"  "}
        case $name in "$1" | "$1/"*) printf '%s\n' "$line" ;; esac
    done <"$HERE/sha256sums"
}

stage() { # TREE: copied anew from the snapshot, verified, then given its name
    staged_of "$1"
    if [ -e "$PLACE" ] || [ -L "$PLACE" ]; then # perhaps what an interrupted rollback displaced: never deleted
        new_number "$SNAPSHOTS" '' || return 1
        mkdir -p "$SNAPSHOTS/$NEW_NAME/tree/$1" && rmdir "$SNAPSHOTS/$NEW_NAME/tree/$1"
        mv -T "$PLACE" "$SNAPSHOTS/$NEW_NAME/tree/$1" || { WHY="$PLACE cannot be moved away"; return 1; }
        sync "${PLACE%/*}"
        seal "$NEW_NAME" salvaged || warn "snapshot $NEW_NAME is not sealed: $WHY"
        warn "something else stood where the tree is staged: kept as snapshot $NEW_NAME"
    fi
    partial=$PLACES.partial
    rm -rf "$partial" # an unfinished copy of a snapshot: its name says that it is nothing else
    copy=$partial/$1
    mkdir -p "${copy%/*}" "${PLACE%/*}" || { WHY="$partial cannot be made"; return 1; }
    cp -a -T "$HERE/tree/$1" "$copy" || { WHY="$1 cannot be copied to $partial"; WAY='make room'; return 1; }
    check_staged "$1" "$partial" || return 1
    sync -f "$partial"
    mv -T "$copy" "$PLACE" && sync "${PLACE%/*}" || { WHY="$PLACE cannot be put in place"; return 1; }
    rm -rf "$partial"
}

entry_now() { # NAME with a line end in it, which no list of lines can hold; fails for a directory, as line_of does
    NAMES=$((NAMES + 1))
    if [ -L "$1" ]; then
        entry_link "$1" >>"$list"
    elif [ -d "$1" ]; then
        entry_other directory "$1" '' >>"$list"
        return 1
    elif [ -f "$1" ]; then
        entry_file "$1" >>"$list"
    else
        cannot_list "$1"
    fi
    return 0
}

odd() { # NAME that no list of abaco-ops can hold as it is: sets ODD_NAME to the last one, for people
    ODD_NAME=$(printf '%s' "$1" | tr -c '[:print:]' '?')
    ODD_COUNT=$((ODD_COUNT + 1))
}

cannot_list() { # NAME: no file, link or directory; one that is gone meanwhile is none of what is there
    if [ -e "$1" ] || [ -L "$1" ]; then odd "$1"; COUNT=$((COUNT + 1)); else NAMES=$((NAMES - 1)); fi
}

unread() { # NAME: what could not be read is a failure, unless it is gone meanwhile
    if [ -e "$1" ] || [ -L "$1" ]; then
        WHY="$(printf '%s' "$1" | tr -c '[:print:]' '?') cannot be read" WAY='become a user who may read it'
    else
        NAMES=$((NAMES - 1))
    fi
}

entries_json() { # FILE DIRECTORY COVERED...: an entry for each name, hashed where it stands; sets NAMES, and ODD_NAME and
    # ODD_COUNT for what JSON cannot hold. Fails, with WHY, unless every name is there: on a full disk half a list proves nothing
    comma='' ODD_NAME='' ODD_COUNT=0 BROKEN='' NAMES=0 COUNT=0 WHY=''
    cd "$2" || { WHY="$2 cannot be entered"; return 1; }
    list=$1
    shift 2
    rm -f "$list"
    unset IFS
    LISTS=1
    walk_covered "$@" >"$WORK/names" || BROKEN=1
    LISTS=''
    IFS=$NL
    set --
    listing "$@" >>"$list" || BROKEN=1
    unset IFS
    cd /
    [ -z "$BROKEN" ] && [ "$NAMES" -eq "$COUNT" ] && [ -z "$WHY" ] && return 0
    [ -n "$WHY" ] || { WHY="the list $list cannot be written" WAY='make room'; }
    return 1
}

listing() { # the entries of $WORK/names
    while IFS= read -r name; do
        NAMES=$((NAMES + 1))
        kind=${name%% *}
        name=${name#? }
        case $kind in
        f)
            case $name in
            *[!\ -~]* | *[\"\\]*) entry_file "$name" ;;
            *)
                set -- "$@" "$name"
                [ $# -lt 400 ] || { entries_of_files "$@"; set --; }
                ;;
            esac
            ;;
        d) entry_other directory "$name" '' ;;
        l) entry_link "$name" ;;
        *) cannot_list "$name" ;;
        esac
    done <"$WORK/names"
    [ $# -eq 0 ] || entries_of_files "$@"
}

entries_of_files() { # FILE...: plain names, all at once; one by one when one of them cannot be read
    if ! { sha256sum -- "$@" >"$WORK/hashes" && stat -c '%s %f %.9Y' -- "$@" >"$WORK/stats"; } 2>/dev/null; then
        for file in "$@"; do entry_file "$file"; done
        return
    fi
    while IFS= read -r line; do
        stats=${line%%|*} sum=${line#*|}
        entry_json file "\"${sum#*"  "}\"" "${sum%% *}" '""' "$stats"
    done <<EOF
$(paste -d '|' "$WORK/stats" "$WORK/hashes")
EOF
}

entry_file() { # FILE: alone; its name is escaped where it has to be
    sum_of "$1" 2>/dev/null
    stats=$(stat -c '%s %f %.9Y' -- "$1" 2>/dev/null) || stats=''
    if [ "$SUM" = none ] || [ -z "$stats" ]; then
        unread "$1"
        return
    fi
    json_name "$1"
    entry_json file "$JSON" "$SUM" '""' "$stats"
}

json_name() { # NAME: sets JSON; one that is no text is listed with ? in it, and known as ODD_NAME
    json "$1"
    [ -n "$ODD" ] || return 0
    odd "$1"
    json "$(printf '%s' "$1" | tr -c '[:print:]' '?')"
}

entry_link() { # NAME
    target=$(readlink -n -- "$1" 2>/dev/null && printf x) # the x keeps line ends at its end
    if [ -z "$target" ]; then unread "$1"; else entry_other link "$1" "${target%x}"; fi
}

entry_other() { # TYPE NAME TARGET
    stats=$(stat -c '%f %.9Y' -- "$2" 2>/dev/null) || stats=''
    if [ -z "$stats" ]; then
        unread "$2"
        return
    fi
    json "$3"
    target=$JSON
    [ -z "$ODD" ] || odd "$2"
    json_name "$2"
    entry_json "$1" "$JSON" '' "$target" "0 $stats"
}

entry_json() { # TYPE NAME SUM TARGET "SIZE MODE MTIME"
    size=${5%% *} mode=${5#* } mtime=${5##* }
    mode=${mode%% *}
    case $size:$mode in
    : | :* | *: | *[!0-9a-f:]*) # a calculation with nothing would end this shell
        WHY="$2 cannot be looked at"
        return
        ;;
    esac
    printf '%s{"path":%s,"type":"%s","size":%s,"mode":%d,"mtime_ns":%s,"sha256":"%s","target":%s}' \
        "$comma" "$2" "$1" "$size" "$((0x$mode & 07777))" "${mtime%.*}${mtime#*.}" "$3" "$4" || BROKEN=1
    comma=",$NL" COUNT=$((COUNT + 1))
}

seal() { # NUMBER PURPOSE: a manifest and COMPLETE, as abaco-ops writes them
    place=$SNAPSHOTS/$1
    IFS=$NL
    # shellcheck disable=SC2086 # one name a line
    set -- "$1" "$2" $CONFIG $TREES
    unset IFS
    number=$1 purpose=$2
    shift 2
    absent='' gap=''
    for covered in "$@"; do
        [ -e "$place/tree/$covered" ] || [ -L "$place/tree/$covered" ] || { json "$covered"; absent="$absent$gap$JSON" gap=,; }
    done
    entries_json "$WORK/sealed" "$place/tree" "$@" || return 1
    [ -z "$ODD_NAME" ] || WHY="$ODD_COUNT names, $ODD_NAME among them, are no text or no file: they cannot be listed here"
    [ -z "$WHY" ] || { WAY="below $place/tree rename what is no text, move out what is no file; then run this script again"; return 1; }
    sync -f "$place"
    now
    put "$place/manifest.json" "${MANIFEST_JSON%\}},\"id\":\"$number\",\"purpose\":\"$purpose\",\"operation\":\"$OPERATION\",\"taken_at\":\"$NOW\",\"absent\":[$absent],\"entries\":[$(cat "$WORK/sealed")]}" || return 1
    sum_of "$place/manifest.json"
    put "$place/COMPLETE" "$SUM" || return 1
    sync "$SNAPSHOTS"
}

# ---- what happened before --------------------------------------------------------------------------------------

look_at() { # OPERATION: sets L_ACCEPTED L_STATE L_NO_RETURN L_AT L_WORKER from its journal
    L_ACCEPTED='' L_STATE='' L_NO_RETURN='' L_AT='' L_WORKER=''
    IFS=$NL
    for line in $(cat "$OPERATIONS/$1/journal.jsonl"); do
        case $line in
        *'"kind":"accepted"'*) L_ACCEPTED=1 ;;
        *'"kind":"worker"'*) L_STATE='' L_WORKER=$line ;;
        *'"kind":"ended"'* | *'"kind":"closed"'*)
            L_STATE=${line##*'"state":"'} L_STATE=${L_STATE%%\"*}
            L_AT=${line#*'"at":"'} L_AT=${L_AT%%\"*}
            ;;
        *'"no_return":true'*) L_NO_RETURN=1 ;;
        esac
    done
    unset IFS
}

look_around() { # which operations are unfinished, and whether the new release has started since the last rollback
    UNFINISHED='' GOES_ON='' STARTED='' BACK='' BACK_AT=''
    set +f
    set -- "$OPERATIONS"/[0-9]*
    set -f
    for name in "$@"; do
        name=${name##*/}
        case $name in [0-9]*-cutover | [0-9]*-rollback) ;; *) continue ;; esac
        [ -f "$OPERATIONS/$name/journal.jsonl" ] || continue
        look_at "$name"
        refuse_living "$name"
        [ -n "$L_ACCEPTED" ] || continue
        case $name:$L_STATE in
        *-rollback:SUCCEEDED) STARTED='' GOES_ON='' BACK=$name BACK_AT=$L_AT ;;
        *-rollback:ABORTED | *-rollback:ROLLED_BACK) ;;
        *-rollback:*) GOES_ON=$name ;;
        *-cutover:*)
            [ -z "$L_NO_RETURN" ] || STARTED=$name
            case $L_STATE in SUCCEEDED | ABORTED | ROLLED_BACK) ;; *) UNFINISHED="$UNFINISHED $name" ;; esac
            ;;
        esac
    done
}

refuse_living() { # OPERATION that was looked at: one whose worker lives is not gone on with, whatever the lock says
    case $L_STATE in SUCCEEDED | ABORTED | ROLLED_BACK) return 0 ;; esac
    ! copied "$L_WORKER" "$OPERATIONS/$1" || return 0
    identity "$L_WORKER"
    [ "$PID" != $$ ] && alive "$PID" "$BORN" || return 0
    named "$PID:$BORN"
    refuse 5 "somebody else operates: $1 is worked on by process${NAMED%;}" 'wait for its end (abaco-ops history); if it hangs, end that process, then run this script again'
}

new_has_started() { # by a journal, by a process, or by a run; a doubt counts as yes, for then nothing is left out
    [ -z "$STARTED" ] || return 0
    service_state "$NEW_SERVICE"
    remains "$NEW_MARK" "$MAIN_PID" "$MAIN_START"
    [ -z "$LEFT" ] || return 0
    [ -f "$ROOT/logs/runs.jsonl" ] || return 1
    IFS=$NL
    for line in $(tail -n 200 "$ROOT/logs/runs.jsonl"); do
        case $line in
        *"\"release\":\"$NEW\""*'"started":"'*)
            at=${line#*'"started":"'}
            if [ -z "$BACK_AT" ] || expr "${at%%\"*}" \> "$BACK_AT" >/dev/null; then unset IFS; return 0; fi
            ;;
        esac
    done
    unset IFS
    return 1
}

old_runs() { # whether it runs, by its record or by its mark
    service_state "$OLD_SERVICE"
    alive "$MAIN_PID" "$MAIN_START" && return 0
    remains "$OLD_MARK" "$MAIN_PID" "$MAIN_START"
    [ -n "$LEFT" ]
}

config_is_old() { # the sealed one; where the metrics are not touched, any of the old release
    sum_of "$ROOT/$CONFIG"
    [ "$SUM" = "$CONFIG_SUM" ] && return 0
    [ -n "$ABORT_ONLY" ] && config_names_old
}

config_names_old() {
    [ -f "$ROOT/$CONFIG" ] || return 1
    while IFS= read -r line; do
        case $line in "release: $OLD" | "release: $OLD "* | "release: \"$OLD\""*) return 0 ;; esac
    done <"$ROOT/$CONFIG"
    return 1
}

swap_of() { # TREE: sets SWAP LIVE_INODE STAGED_INODE from the journal; fails when it was never written down
    LIVE_INODE='' STAGED_INODE=''
    known "swap:$1" || return 1
    SWAP=$KNOWN
    LIVE_INODE=${SWAP#*'"live_inode":'} LIVE_INODE=${LIVE_INODE%%[,\}]*}
    STAGED_INODE=${SWAP#*'"staged_inode":'} STAGED_INODE=${STAGED_INODE%%[,\}]*}
}

swapped() { # TREE: whether its staged copy is the live one
    swap_of "$1" || return 1
    inode "$ROOT/$1"
    [ "$INODE" = "$STAGED_INODE" ]
}

any_moved() {
    IFS=$NL
    for tree in $TREES; do
        unset IFS
        if swapped "$tree" && [ "$STAGED_INODE" != null ]; then return 0; fi
    done
    unset IFS
    return 1
}

old_may_have_run() { # since this rollback began
    known "identity:$OLD" && return 0
    case $(cat "$JOURNAL") in *'"kind":"intent"'*'"step":"start_old"'*) return 0 ;; esac
    return 1
}

# ---- the steps -------------------------------------------------------------------------------------------------

choose_snapshot() {
    if known abort_only && [ "$KNOWN" = false ]; then
        ABORT_ONLY=''
    elif new_has_started; then
        ABORT_ONLY=''
        fact abort_only false
    else
        ABORT_ONLY=1
        fact abort_only true
    fi
    if [ -n "$ABORT_ONLY" ]; then
        if check_snapshot; then fact snapshot "\"$SNAPSHOT\""; else fact snapshot null; fi
        DETAIL="$NEW has not started since: the metrics are not touched"
        return 0
    fi
    if any_moved; then
        known snapshot
        [ "$KNOWN" = "\"$SNAPSHOT\"" ] && DETAIL="snapshot $SNAPSHOT, swapped in already" && return 0
        WHY="$OPERATION has swapped in snapshot $KNOWN, and this script knows only $SNAPSHOT"
        WAY='go on where Python works: abaco-ops rollback'
        return 1
    fi
    check_snapshot || return 1
    fact snapshot "\"$SNAPSHOT\""
    IFS=$NL
    for tree in $TREES; do
        unset IFS
        held "$tree" || continue
        staged_of "$tree"
        check_staged "$tree" "$PLACES" && continue
        warn "$WHY; staged now"
        stage "$tree" || return 1
    done
    unset IFS
    DETAIL="snapshot $SNAPSHOT: $(wc -l <"$HERE/sha256sums") files, every hash verified, staged"
}

stop_new() {
    stop_release "$NEW" "$NEW_SERVICE" "$NEW_MARK"
}

nothing_runs() {
    service_state "$NEW_SERVICE"
    remains "$NEW_MARK" "$MAIN_PID" "$MAIN_START"
    [ -z "$LEFT" ] || { WHY="$NEW runs"; WAY='configuration and metrics are changed only while nothing runs'; return 1; }
    old_runs || return 0
    stop_release "$OLD" "$OLD_SERVICE" "$OLD_MARK" || return 1
    warn "$OLD was running on what is not restored: $DETAIL"
}

take_back() { # TREE: one that was moved away and not yet replaced
    swapped "$1" && return 0
    [ -n "$LIVE_INODE" ] && [ "$LIVE_INODE" != null ] || return 0
    staged_of "$1"
    inode "$ROOT/$1"
    [ "$INODE" = null ] || return 0
    inode "$PLACE.displaced"
    [ "$INODE" = "$LIVE_INODE" ] || return 0
    mv -T "$PLACE.displaced" "$ROOT/$1" && sync_names "$PLACE" "$ROOT/$1"
}

sync_names() { # FILE FILE: the directories of both
    sync "${1%/*}" && sync "${2%/*}"
}

take_inventory() {
    if [ -n "$ABORT_ONLY" ]; then
        KIND=skipped DETAIL='nothing is replaced'
        return 0
    fi
    if any_moved; then
        DETAIL='found done by an earlier attempt'
        [ -f "$DIRECTORY/inventory.json" ] && return 0
        WHY="$DIRECTORY/inventory.json is gone, though trees have moved" WAY='delete nothing'
        return 1
    fi
    nothing_runs || return 1
    IFS=$NL
    for tree in $TREES; do
        unset IFS
        take_back "$tree" || { WHY="$tree cannot be put back"; return 1; }
    done
    config_is_old || keep_active_config || return 1
    IFS=$NL
    # shellcheck disable=SC2086 # one name a line
    entries_json "$WORK/inventory" "$ROOT" $CONFIG $TREES || return 1
    [ -z "$ODD_NAME" ] || warn "$ODD_COUNT names are no text or no file, $ODD_NAME among them: they are set aside with the rest, but stay outside the proof or have ? in it"
    put "$DIRECTORY/inventory.json" "[$(cat "$WORK/inventory")]" || return 1
    who_has_open
    DETAIL="$NAMES names are live, each file hashed"
}

who_has_open() { # in the trees: what they still write goes where the tree goes
    set +f
    IFS=$NL
    set -- "$(ls -l /proc/[0-9]*/fd 2>/dev/null)"
    set -f
    for line in $1; do
        case $line in
        /proc/*/fd:) owner=${line#/proc/} owner=${owner%/fd:} ;;
        *" -> $ROOT/"*)
            for tree in $TREES; do
                case $line in *" -> $ROOT/$tree/"*) unset IFS; warn "process $owner has files open in $tree: what it still writes goes to the side snapshot"; IFS=$NL ;; esac
            done
            ;;
        esac
    done
    unset IFS
}

keep_active_config() { # when what is live is listed, and once more when it is replaced: it may be edited in between
    active=$ROOT/$CONFIG kept=$DIRECTORY/config_displaced.yml
    before=nothing
    [ -f "$active" ] || return 0
    sum_of "$active"
    before=$SUM
    sum_of "$kept" 2>/dev/null
    [ "$SUM" != "$before" ] || return 0
    [ ! -f "$kept" ] || mv -T "$kept" "${kept%.yml}_$(expr "$SUM" : '\(............\)').yml"
    copy_file "$active" "$kept" "$active"
}

restore_config() {
    if config_is_old; then
        DETAIL='the old configuration is active already'
        return 0
    fi
    nothing_runs || return 1
    sum_of "$HERE/tree/$CONFIG"
    [ "$SUM" = "$CONFIG_SUM" ] || { WHY="$HERE/tree/$CONFIG is not the configuration that was sealed"; WAY='nothing was activated; delete nothing'; return 1; }
    keep_active_config || return 1
    copy_file "$HERE/tree/$CONFIG" "$active" "$active" || return 1
    config_is_old || { WHY='the active configuration is not the snapshot'\''s' WAY='somebody wrote to it meanwhile'; return 1; }
    DETAIL="$(expr "$before" : '\(......\)') -> $(expr "$CONFIG_SUM" : '\(......\)')"
}

copy_file() { # FROM TO MODE-OF: wholly the old one or wholly the new one, on the disk
    temporary=${2%/*}/.${2##*/}.return.tmp
    copy_once "$@" || { make_room && copy_once "$@"; } || { rm -f "$temporary"; WHY="$2 cannot be written${SAID:+: $SAID}"; WAY='mend that: make room, mount it writable, or move away what stands there'; return 1; }
}

copy_once() {
    SAID=$({ cp -f -T "$1" "$temporary" && { [ ! -f "$3" ] || chmod --reference="$3" "$temporary"; } && sync "$temporary" && mv -f -T "$temporary" "$2" && sync "${2%/*}"; } 2>&1)
}

restore_metrics() {
    if [ -n "$ABORT_ONLY" ]; then
        KIND=skipped DETAIL="not touched: $NEW never started"
        return 0
    fi
    DETAIL=''
    IFS=$NL
    for tree in $TREES; do
        unset IFS
        swap_in "$tree" || return 1
        DETAIL="${DETAIL:+$DETAIL; }$tree: $HOW"
    done
    unset IFS
    old_may_have_run && return 0
    check_sums "$ROOT" || { WHY="what was restored is not in place: $WHY"; WAY='delete nothing; compare the two'; return 1; }
}

swap_in() { # TREE: who is who is journaled before anything moves; sets HOW
    if swapped "$1"; then
        HOW='was in place already'
        return 0
    fi
    nothing_runs || return 1
    take_back "$1" || { WHY="$1 cannot be put back"; return 1; }
    staged_of "$1"
    target=$ROOT/$1
    inode "$target"
    live=$INODE
    inode "$PLACE"
    if [ "$INODE" = null ] && held "$1"; then
        WHY="$PLACE is not there" WAY='it was verified a moment ago: find who removed it'
        return 1
    fi
    json "$PLACE" && place_json=$JSON
    json "$target"
    plan="{\"live_inode\":$live,\"staged\":$place_json,\"staged_inode\":$INODE,\"target\":$JSON}"
    known "swap:$1" || :
    [ "$KNOWN" = "$plan" ] || fact "swap:$1" "$plan"
    mkdir -p "${target%/*}" "${PLACE%/*}"
    if [ "$(stat -c %d "${target%/*}")" != "$(stat -c %d "${PLACE%/*}")" ]; then
        WHY="$PLACE is on another disk than $target" WAY='go on where Python works: abaco-ops rollback'
        return 1
    fi
    if [ "$live" != null ] && [ "$INODE" != null ] && exchange "$PLACE" "$target"; then
        swapped "$1" && HOW='exchanged in one step' && return 0
    fi
    two_renames "$target" "$PLACE" && swapped "$1" && return 0
    WHY="$1 cannot be swapped: ${WHY:-the names were not changed}" WAY='delete nothing'
    return 1
}

exchange() { # FILE FILE: both names in one step, where mv and the file system know it
    case $(mv --help) in *--exchange*) ;; *) return 1 ;; esac
    mv --exchange -T "$1" "$2" 2>/dev/null && sync_names "$1" "$2"
}

two_renames() { # TARGET STAGED
    HOW='two renames'
    if [ -e "$1" ] || [ -L "$1" ]; then
        if [ -e "$2.displaced" ] || [ -L "$2.displaced" ]; then
            WHY="$2.displaced is in the way"
            return 1
        fi
        mv -T "$1" "$2.displaced" && sync_names "$1" "$2" || return 1
    fi
    [ -e "$2" ] || [ -L "$2" ] || return 0
    mv -T "$2" "$1" && sync_names "$1" "$2"
}

start_old() {
    config_is_old || { WHY='the configuration is not restored' WAY='while they differ, no service runs'; return 1; }
    IFS=$NL
    for tree in $TREES; do
        unset IFS
        [ -n "$ABORT_ONLY" ] || swapped "$tree" || { WHY="$tree is not restored" WAY='while they differ, no service runs'; return 1; }
    done
    unset IFS
    service_state "$NEW_SERVICE"
    remains "$NEW_MARK" "$MAIN_PID" "$MAIN_START"
    [ -z "$LEFT" ] || { WHY="$NEW may still be running" WAY="$OLD is not started while that is unsure"; return 1; }
    service_state "$OLD_SERVICE"
    if alive "$SUP_PID" "$SUP_START" && ! alive "$MAIN_PID" "$MAIN_START"; then # it crashes, and is started on what was
        stop_release "$OLD" "$OLD_SERVICE" "$OLD_MARK" || return 1
    fi
    lock_old || return 1
    find_old
    if [ -z "$MAIN_PID" ]; then
        launch_old || { unlock_service; return 1; }
    else
        say "$OLD runs already, pid $MAIN_PID"
    fi
    stays_up || { unlock_service; return 1; }
    unlock_service
    known "identity:$OLD" || :
    main_json="{\"boot_id\":\"$BOOT\",\"pid\":$MAIN_PID,\"start_time\":$MAIN_START}"
    [ "$KNOWN" = "$main_json" ] || fact "identity:$OLD" "$main_json"
    DETAIL="$OLD runs, pid $MAIN_PID"
}

lock_old() { # unless a living supervisor of its own holds that
    service_state "$OLD_SERVICE"
    alive "$SUP_PID" "$SUP_START" && return 0
    lock_service "$OLD_SERVICE"
}

find_old() { # sets MAIN_PID and MAIN_START to the one that runs, if one does; anything else of it is ended
    service_state "$OLD_SERVICE"
    alive "$MAIN_PID" "$MAIN_START" && return 0
    remains "$OLD_MARK" "$MAIN_PID" "$MAIN_START"
    MAIN_PID='' MAIN_START=''
    [ -n "$LEFT" ] || return 0
    leaders=''
    for process in $LEFT; do
        if read_stat "${process%%:*}" && [ "$SESSION" = "${process%%:*}" ]; then leaders="$leaders $process"; fi
    done
    case $leaders in
    ' '*' '*) ;;
    ' '*) # an earlier attempt started it and was killed before it could say so, or a person did
        MAIN_PID=${leaders%%:*} MAIN_PID=${MAIN_PID# } MAIN_START=${leaders#*:}
        running_state
        return 0
        ;;
    esac
    end_processes "$OLD_MARK"
    MAIN_PID='' MAIN_START=''
}

running_state() {
    now
    write_state "$OLD_SERVICE" up running "{\"pid\":$MAIN_PID,\"start_time\":$MAIN_START,\"boot_id\":\"$BOOT\"}" "\"$NOW\"" '' false
}

launch_unit() { # by systemd, which asks abaco-ops first where the unit file says so
    manager reset-failed "$OLD_UNIT" 2>/dev/null || :
    manager start --no-block "$OLD_UNIT" || { cannot_start "systemd does not start $OLD_UNIT"; return 1; }
    uptime
    until_then=$((HUNDREDTHS + 1500))
    while [ "$HUNDREDTHS" -lt "$until_then" ]; do
        case $(manager show -p ActiveState --value "$OLD_UNIT") in
        active)
            service_state "$OLD_SERVICE"
            [ -z "$MAIN_PID" ] || return 0
            ;;
        inactive | failed) [ -n "$(manager show -p Job --value "$OLD_UNIT")" ] || break ;;
        esac
        sleep 0.1
        uptime
    done
    cannot_start "systemd left $OLD_UNIT down: a condition of its unit file (which asks abaco-ops), or its program"
    return 1
}

launch_old() {
    if [ -n "$OLD_UNIT" ]; then
        launch_unit
        return
    fi
    RESTARTS='[]'
    write_state "$OLD_SERVICE" up starting null null '' false || return 1
    rm -f "$WORK/pid"
    output=$SERVICES/$OLD_SERVICE/output.log
    # for the shell that becomes the release
    enter='printf "%s\n" "$$" >"$1"; shift; exec "$@"'
    if [ -n "$HAVE_SETSID" ]; then
        (in_the_old_place && old_command setsid -f /bin/sh -c "$enter" RETURN.sh "$WORK/pid") \
            </dev/null >>"$output" 2>&1 6>&- 7>&- 8>&- 9>&-
    else
        (in_the_old_place && old_command exec /bin/sh -c "$enter" RETURN.sh "$WORK/pid") \
            </dev/null >>"$output" 2>&1 6>&- 7>&- 8>&- 9>&- &
    fi
    uptime
    until_then=$((HUNDREDTHS + 500))
    while [ ! -s "$WORK/pid" ] && [ "$HUNDREDTHS" -lt "$until_then" ]; do
        sleep 0.02
        uptime
    done
    MAIN_PID=$(cat "$WORK/pid" 2>/dev/null)
    if [ -z "$MAIN_PID" ] || ! read_stat "$MAIN_PID"; then
        cannot_start 'it did not start'
        return 1
    fi
    MAIN_START=$START
    running_state
}

last_words() { # of the old release
    if [ -n "$OLD_UNIT" ]; then
        timeout 5 journalctl --no-pager -q -o cat -n 3 -u "$OLD_UNIT"
    else
        tail -n 2 "$SERVICES/$OLD_SERVICE/output.log"
    fi
}

cannot_start() { # WHY
    write_state "$OLD_SERVICE" up failed null null "$1" false || :
    WHY="$OLD cannot start: $1; its last words: $(last_words 2>/dev/null | tr -c '[:print:]' '/' | head -c 300)"
    WAY="everything is restored, only $OLD does not run. Mend it (its interpreter? may this account start it?), then run this script again; the command that starts it stands below"
}

stays_up() {
    uptime
    until_then=$((HUNDREDTHS + VERIFY_HOLD))
    while [ "$HUNDREDTHS" -lt "$until_then" ]; do
        alive "$MAIN_PID" "$MAIN_START" || { cannot_start 'it started and died'; return 1; }
        sleep 0.1
        uptime
    done
    alive "$MAIN_PID" "$MAIN_START" || { cannot_start 'it started and died'; return 1; }
}

set_aside() {
    if [ -n "$ABORT_ONLY" ]; then
        KIND=skipped DETAIL="nothing was displaced: $NEW never started"
        return 0
    fi
    if known side; then
        SIDE=${KNOWN#\"} SIDE=${SIDE%\"}
    else
        new_number "$SNAPSHOTS" '' || return 1
        SIDE=$NEW_NAME
        fact side "\"$SIDE\""
    fi
    if [ -f "$SNAPSHOTS/$SIDE/COMPLETE" ]; then
        DETAIL="side snapshot $SIDE, sealed by an earlier attempt"
        return 0
    fi
    mkdir -p "$SNAPSHOTS/$SIDE/tree"
    IFS=$NL
    for tree in $TREES; do
        unset IFS
        move_aside "$tree" || return 1
    done
    unset IFS
    kept=$SNAPSHOTS/$SIDE/tree/$CONFIG
    if [ -f "$DIRECTORY/config_displaced.yml" ] && [ ! -f "$kept" ]; then
        mkdir -p "${kept%/*}"
        copy_file "$DIRECTORY/config_displaced.yml" "$kept" "$DIRECTORY/config_displaced.yml" || return 1
    fi
    seal "$SIDE" side || {
        WHY="everything is restored and $OLD was started; side snapshot $SIDE holds what was displaced, and is not sealed: $WHY"
        return 1
    }
    DETAIL="side snapshot $SIDE: $NAMES names, sealed"
}

move_aside() { # TREE: what was displaced, wherever it stands, into the side snapshot
    swap_of "$1" || { WHY="the swap of $1 was never journaled"; return 1; }
    staged_of "$1"
    target=$SNAPSHOTS/$SIDE/tree/$1
    for place in "$PLACE" "$PLACE.displaced"; do
        inode "$place"
        [ "$LIVE_INODE" != null ] && [ "$INODE" = "$LIVE_INODE" ] || continue
        mkdir -p "${target%/*}"
        if [ "$(stat -c %d "${target%/*}")" = "$(stat -c %d "${place%/*}")" ]; then
            mv -T "$place" "$target" && sync_names "$target" "$place" && return 0
            WHY="$place cannot be moved to $target" WAY='delete nothing'
            return 1
        fi
        [ -e "$target" ] && return 0 # another disk: copied, and the first one is left where it is
        rm -rf "$target.partial"
        cp -a -T "$place" "$target.partial" && sync -f "$target.partial" && mv -T "$target.partial" "$target" && sync "${target%/*}" && return 0
        WHY="$place cannot be copied to $target" WAY='make room; delete nothing'
        return 1
    done
}

verify_old() {
    service_state "$OLD_SERVICE"
    alive "$MAIN_PID" "$MAIN_START" || { cannot_start 'it has died'; return 1; }
    KIND=skipped
    DETAIL="$OLD is up, pid $MAIN_PID; whether it agrees with the tape cannot be told without Python"
    warn "$OLD was not compared with the tape (that needs Python): abaco-ops validate"
    [ -n "$OLD_UNIT" ] || alive "$SUP_PID" "$SUP_START" || warn "$OLD has no supervisor and is not restarted if it dies: abaco-ops service start $OLD"
    [ -n "$HAVE_SETSID$OLD_UNIT" ] || warn "setsid is not here: $OLD may end when this terminal does"
}

keys_of() { # FILE of entries: what each file or link holds, a line each
    tr '{' '\n' <"$1" | while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        *'","type":"file"'*)
            line=${line##*'"sha256":"'}
            printf '%s\n' "${line%%\"*}"
            ;;
        *'","type":"link"'*)
            line=${line##*'"target":"'}
            line=${line%%'","uid":'*} # what the engine listed says whose it is, too
            printf '> %s\n' "${line%%\"\}*}"
            ;;
        esac
    done
}

prove() { # everything that was live is found where it stands now; sets FILES RESTORED ASIDE ONLY MISSING
    TAB=$(printf '\t')
    IFS=$NL
    # shellcheck disable=SC2086 # one name a line
    entries_json "$WORK/side" "$SNAPSHOTS/$SIDE/tree" $CONFIG $TREES || return 1
    { keys_of "$WORK/side"; set +f; sha256sum "$DIRECTORY"/config_displaced*.yml 2>/dev/null | cut -c 1-64; set -f; } | sort -u >"$WORK/aside.keys"
    { checked "$ROOT"; links_of "$HERE/entries"; } | sort -u >"$WORK/restored.keys"
    { checked "$HERE/tree"; links_of "$HERE/entries"; } | sort -u >"$WORK/held.keys"
    keys_of "$DIRECTORY/inventory.json" | sort >"$WORK/before.keys" &&
        join -t "$TAB" "$WORK/before.keys" "$WORK/restored.keys" >"$WORK/found.keys" &&
        join -t "$TAB" -v 1 "$WORK/before.keys" "$WORK/restored.keys" >"$WORK/rest.keys" &&
        join -t "$TAB" "$WORK/rest.keys" "$WORK/aside.keys" >"$WORK/moved.keys" &&
        join -t "$TAB" -v 1 "$WORK/rest.keys" "$WORK/aside.keys" >"$WORK/nowhere.keys" &&
        join -t "$TAB" "$WORK/nowhere.keys" "$WORK/held.keys" >"$WORK/only.keys" &&
        join -t "$TAB" -v 1 "$WORK/nowhere.keys" "$WORK/held.keys" >"$WORK/missing.keys" ||
        { WHY="the proof cannot be written below $WORK" WAY='make room'; return 1; }
    FILES=$(wc -l <"$WORK/before.keys")
    RESTORED=$(wc -l <"$WORK/found.keys")
    ASIDE=$(wc -l <"$WORK/moved.keys")
    ONLY=$(wc -l <"$WORK/only.keys")
    MISSING=$(wc -l <"$WORK/missing.keys")
}

checked() { # DIRECTORY: the hashes of sha256sums that are right there now
    [ -s "$HERE/sha256sums" ] || return 0
    (cd "$1" && sha256sum -c "$HERE/sha256sums" 2>/dev/null) | paste -d '|' "$HERE/sha256sums" - | while IFS= read -r line; do
        case $line in *': OK') line=${line#\\} && printf '%s\n' "${line%% *}" ;; esac
    done
}

links_of() { # FILE of lines
    while IFS= read -r line; do
        case $line in 'l '*) printf '> %s\n' "${line##* -> }" ;; esac
    done <"$1"
}

record_incident() {
    proof=null complete=true headline='## Nothing is lost' told="- $NEW never started: the metrics were not touched."
    if [ -z "$ABORT_ONLY" ]; then
        known side
        SIDE=${KNOWN#\"} SIDE=${SIDE%\"}
        prove || return 1
        [ "$MISSING" -eq 0 ] || complete=false headline='## NOT EVERYTHING IS THERE'
        told="- $FILES files were live; by sha256 $RESTORED are in the restored tree, $ASIDE in side snapshot $SIDE, $ONLY only in snapshot $SNAPSHOT, $MISSING nowhere."
        proof="{\"files\":$FILES,\"in_restored\":$RESTORED,\"in_set_aside\":$ASIDE,\"in_snapshot\":$ONLY,\"not_found\":$MISSING,\"complete\":$complete}"
        [ "$ONLY" -eq 0 ] || warn "$OLD has removed or rewritten $ONLY files since it runs again; snapshot $SNAPSHOT holds what was restored"
    fi
    now
    side=null started=false
    if [ -z "$ABORT_ONLY" ]; then side=\"$SIDE\" started=true; fi
    closes='' gap=''
    for name in $UNFINISHED; do closes="$closes$gap\"$name\"" gap=,; done
    put "$DIRECTORY/incident.json" "{\"operation\":\"$OPERATION\",\"at\":\"$NOW\",\"by\":\"RETURN.sh\",\"actor\":$ACTOR_JSON,\"origin\":$ORIGIN_JSON,\"reason\":$REASON_JSON,$(inner "$BUILD_JSON"),\"new_release_started\":$started,\"snapshot\":\"$SNAPSHOT\",\"passed_over\":[],\"recorded_not_there\":[],\"side_snapshot\":$side,\"not_covered\":$NOT_COVERED_JSON,\"proof\":$proof,\"closes\":[$closes]}" || return 1
    put "$DIRECTORY/incident.md" "# Incident $OPERATION

$NOW: $ACTOR ($ORIGIN) went back from $NEW to $OLD with RETURN.sh. Reason: ${REASON:-not given yet}.

$headline

$told" || return 1
    if [ "$complete" = false ]; then
        WHY="$MISSING of $FILES files are found nowhere" WAY="delete nothing; see $DIRECTORY/incident.md"
        return 1
    fi
    for name in $UNFINISHED; do close_cutover "$name" || return 1; done
    DETAIL='metrics were not touched; incident.json'
    [ -n "$ABORT_ONLY" ] || DETAIL="$FILES of $FILES files that were live are found: $RESTORED restored, $ASIDE in side snapshot $SIDE, $ONLY in snapshot $SNAPSHOT"
}

inner() { # OBJECT: its keys and values without the braces
    inside=${1#\{}
    printf '%s' "${inside%\}}"
}

close_cutover() { # OPERATION: it is over now, and its journal says by whom
    mine=$JOURNAL my_seq=$SEQ
    JOURNAL=$OPERATIONS/$1/journal.jsonl
    whole_lines "$JOURNAL"
    SEQ=$(wc -l <"$JOURNAL")
    record closed "\"actor\":$ACTOR_JSON," "\"by\":\"$OPERATION\",\"failure\":\"stopped half-way; RETURN.sh went back\"," '' ',"state":"ROLLED_BACK"'
    event operation.ended "{\"by\":\"$OPERATION\",\"kind\":\"cutover\",\"seconds\":null,\"state\":\"ROLLED_BACK\"}" "$SEQ" "$1"
    JOURNAL=$mine SEQ=$my_seq
}

tell_people() {
    json "$TELL_TEXT"
    record tell '' "\"detail\":$JSON," '' ''
    event rollback.tell "{\"contacts\":$TELL_JSON,\"text\":$JSON}" "$SEQ" "$OPERATION"
    DETAIL=$TELL_TEXT
}

# ---- one step after the other ----------------------------------------------------------------------------------

tell_holder() { # who holds the lock, for people
    put_once "$ROLLBACK/operation.holder.json" "{\"operation\":\"$OPERATION\",\"actor\":$ACTOR_JSON,\"origin\":$ORIGIN_JSON,\"step\":\"$1\",\"since\":\"$BEGAN_AT\",\"reason\":$REASON_JSON,\"pid\":$$}" 660 || :
}

step() { # NAME PHASE NO_RETURN TITLE [FUNCTION [optional]]: one of one's own may be optional
    STEP=$1 BEGUN=''
    [ -z "${5-}" ] || ! was intent "$1" || BEGUN=1
    tell_holder "$4"
    record intent '' '' "\"no_return\":$3," ",\"step\":\"$1\",\"title\":\"$4\""
    [ "$3" = false ] || PAST=1
    say "$2: $4 ..."
    uptime
    step_began=$HUNDREDTHS DETAIL='' WHY='' WAY='' KIND='done'
    if ! "${5-$1}"; then
        [ "${6-}" = optional ] || failed "$2: $4" "$WHY${WAY:+ ($WAY)}"
        warn "$1: $WHY ($WAY)"
        KIND=skipped DETAIL="NOT DONE, and not needed: $WHY"
    fi
    since "$step_began"
    took=$DECIMAL
    json "$DETAIL"
    record "$KIND" '' "\"detail\":$JSON," "\"seconds\":$took," ",\"step\":\"$1\""
    DONE_STEPS="$DONE_STEPS$1 "
    say "$2: $4: $KIND, $DETAIL ($took s)"
}

failed() { # STEP WHY
    json "$2"
    record failed '' "\"detail\":$JSON," '' ",\"step\":\"$STEP\""
    say "FAILED $1: $2"
    if [ -n "$PAST" ]; then ended NEEDS_HUMAN "$1: $2" 4; else ended ABORTED "$1: $2" 3; fi
}

ended() { # STATE FAILURE CODE
    offers=''
    if [ "$1" = NEEDS_HUMAN ]; then
        gap=''
        IFS=$NL
        for line in $(commands_for_people); do
            json "$line"
            offers="$offers$gap$JSON" gap=,
        done
        unset IFS
    fi
    json "$2"
    record ended '' "\"failure\":$JSON," "\"offers\":[$offers]," ",\"state\":\"$1\""
    since "$BEGAN"
    total=$DECIMAL
    event operation.ended "{\"kind\":\"rollback\",\"seconds\":$total,\"state\":\"$1\"}" "$SEQ" "$OPERATION"
    case $1 in NEEDS_HUMAN) told='NEEDS YOU' ;; *) told=$1 ;; esac
    say "$told after $total s${2:+: $2}"
    [ "$1" != NEEDS_HUMAN ] || commands
    say_if_bare
    exit "$3"
}

say_if_bare() { # what a person has to know of a release that this script has started: no supervisor came with it
    [ -z "$OLD_UNIT" ] || return 0
    service_state "$OLD_SERVICE"
    alive "$MAIN_PID" "$MAIN_START" || return 0
    if alive "$SUP_PID" "$SUP_START"; then return 0; fi
    who=$(stat -c %U "/proc/$MAIN_PID") || who='its account'
    say "$OLD runs without a supervisor: if it crashes, nothing starts it again"
    say "  it gets one, once Python works again, as $who: abaco-ops service start $OLD"
}

commands() {
    say 'What remains, as commands; nothing in them deletes anything:'
    IFS=$NL
    for line in $(commands_for_people); do
        say "  $line"
    done
    unset IFS
}

commands_for_people() {
    printf '%s\n' "sh $(quoted "$ROLLBACK/RETURN.sh")    (goes on with $OPERATION from where it stopped)"
    printf '%s\n' 'abaco-ops rollback    (the same, where Python works)'
    # what is there counts, not what was done: somebody may have changed it since
    config_is_old || printf 'cp -p --backup=numbered %s %s\n' "$(quoted "$HERE/tree/$CONFIG")" "$(quoted "$ROOT/$CONFIG")"
    IFS=$NL
    for tree in $TREES; do
        unset IFS
        [ -z "$ABORT_ONLY" ] || continue
        swapped "$tree" && continue
        printf 'mv -T --backup=numbered %s %s\n' "$(quoted "$ROOT/$tree")" "$(quoted "$ROOT/$tree.of-$NEW-$OPERATION")"
        printf 'cp -a -T %s %s\n' "$(quoted "$HERE/tree/$tree")" "$(quoted "$ROOT/$tree")"
    done
    unset IFS
    case $DONE_STEPS in *' start_old '*) ;; *) printf '%s\n' "$START_LINE" ;; esac
    own_commands
    printf '%s\n' "abaco-ops resolve $OPERATION --reason 'put right by hand'"
}

quoted() { # TEXT: for a shell
    case $1 in
    *[!-A-Za-z0-9_/.,:=+@%]* | '') ;;
    *)
        printf '%s' "$1"
        return 0
        ;;
    esac
    rest=$1 shown=''
    while :; do
        case $rest in *\'*) ;; *) break ;; esac
        shown="$shown${rest%%\'*}'\\''" rest=${rest#*\'}
    done
    printf "'%s'" "$shown$rest"
}

end_orphans() { # OPERATION: the commands that a dead worker left behind
    IFS=$NL
    for line in $(cat "$OPERATIONS/$1/journal.jsonl"); do
        unset IFS
        case $line in *'"kind":"child"'*"\"$BOOT\""* | *"\"$BOOT\""*'"kind":"child"'*) ;; *) continue ;; esac
        ! copied "$line" "$OPERATIONS/$1" || continue
        identity "$line"
        alive "$PID" "$BORN" || continue
        kill -s KILL -- "-$PID" 2>/dev/null || signal KILL "$PID" "$BORN"
        warn "$1 left a command running (pid $PID): ended"
    done
    unset IFS
}

# ---- one's own steps: commands of the team's, each with a deadline ------------------------------------------------

was() { # KIND STEP [JOURNAL]: whether there is such a record
    IFS=$NL
    for line in $(cat "${3-$JOURNAL}"); do
        case $line in *"\"kind\":\"$1\""*"\"step\":\"$2\""*) unset IFS; return 0 ;; esac
    done
    unset IFS
    return 1
}

own() { # STEP PART SECONDS COMMAND...: to its end, in the deployment; sets DETAIL to the last line that it said
    own_name=$1 own_part=$2 own_limit=$3
    shift 3
    own_code=0
    # timeout keeps the locks as long as the command itself runs; what that leaves running has none of them
    (cd "$ROOT" && exec timeout -s KILL "$own_limit" /bin/sh -c 'exec "$@" 6>&- 7>&- 8>&- 9>&-' RETURN.sh "$@") </dev/null >"$WORK/own" 2>&1 || own_code=$?
    DETAIL=$(tail -n 1 "$WORK/own" | tr -cd '[:print:]' | cut -c 1-160)
    [ "$own_code" != 0 ] || return 0
    WHY="own step $own_name: its $own_part command failed, exit $own_code: $DETAIL"
    WAY='mend that, then run this script again'
    return 1
}

own_found() { # STEP SECONDS VERIFY...: whether an earlier attempt has done it; without a command its record counts
    own_name=$1 own_limit=$2
    shift 2
    if [ $# = 0 ]; then
        was 'done' "$own_name" || return 1
    else
        [ -n "$BEGUN" ] && own "$own_name" verify "$own_limit" "$@" || { WHY='' WAY='' DETAIL=''; return 1; }
    fi
    DETAIL='found done by an earlier attempt'
}

own_acted() { # STEP: whether the cutover has begun it, and it is not undone
    was intent "$1" "$OPERATIONS/$CUTOVER/journal.jsonl" && ! was undone "$1" "$OPERATIONS/$CUTOVER/journal.jsonl"
}

# ---- from here on it runs --------------------------------------------------------------------------------------

arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        --yes) YES=1 ;;
        --dry-run) DRY=1 ;;
        --reason)
            [ $# -gt 1 ] || refuse 2 '--reason needs a text' ''
            REASON=$(printf '%s' "$2" | tr -c '[:print:]' '?')
            shift
            ;;
        *)
            printf '%s\n' 'RETURN.sh [--dry-run] [--yes] [--reason TEXT]: back to the old release, without Python'
            [ "$1" = --help ] || exit 2
            exit 0
            ;;
        esac
        shift
    done
}

tools() { # every program that is needed is there before anything begins
    lacking=''
    for tool in cat chmod comm cp cut date env expr head id join ls mkdir mv od paste printf readlink rm rmdir sha256sum sleep sort stat sync tail timeout tr truncate uname wc; do
        command -v "$tool" >/dev/null || lacking="$lacking $tool"
    done
    [ -z "$lacking" ] || refuse 2 "these programs of coreutils are not here:$lacking" 'nothing was changed; put them on the PATH'
    if command -v flock >/dev/null; then HAVE_FLOCK=1; else printf '%s\n' 'WARNING flock (util-linux) is not here: nothing keeps a second person out; make sure that nobody else operates'; fi
    if command -v setsid >/dev/null; then HAVE_SETSID=1; else printf '%s\n' "WARNING setsid (util-linux) is not here: $OLD is started in this terminal's session"; fi
    [ -r /proc/sys/kernel/random/boot_id ] || refuse 2 '/proc is not mounted' 'mount -t proc proc /proc'
    [ -z "$OLD_UNIT$NEW_UNIT" ] || command -v systemctl >/dev/null || refuse 2 'systemctl is not here, and systemd runs the releases' 'put it on the PATH'
    read -r BOOT </proc/sys/kernel/random/boot_id
}

as_owner() { # PLACE: how somebody runs this script who may: it puts back and starts as whoever runs it
    owner=$(stat -c %U -- "$1" 2>/dev/null) || owner=root
    printf 'nothing was changed; it needs the account that owns the deployment, or root: sudo -u %s sh %s' "$owner" "$ROLLBACK/RETURN.sh"
}

check_place() { # this deployment, and no copy of it
    case ${ABACO_OPS_SERVICE:-} in
    "$NEW_MARK" | "$NEW_MARK/"*) refuse 2 "this shell was started by $NEW itself and would end with it" 'nothing was changed; run it from a login' ;;
    esac
    case $0 in */*) lies=${0%/*} ;; *) lies=. ;; esac
    if [ -e "$lies/deployment.id" ] && [ "$(readlink -f "$lies")" != "$(readlink -f "$ROLLBACK")" ]; then
        refuse 2 "this script lies in a copy of the deployment, and would take $ROOT back" "nothing was changed; for $ROOT: sh $ROLLBACK/RETURN.sh"
    fi
    [ -d "$OPERATIONS" ] && [ -d "$HERE" ] || refuse 2 "$HERE is not there: this script is of another place or of a snapshot that was removed" 'look for a newer RETURN.sh'
    [ "$(cat "$ROLLBACK/deployment.id" 2>/dev/null)" = "$IDENTITY" ] || refuse 2 "$ROLLBACK is of another deployment" 'use the RETURN.sh that stands there'
    for each in "$OPERATIONS" "$ROOT/${CONFIG%/*}"; do
        [ -w "$each" ] || refuse 2 "$each cannot be written to by $(id -un)" "$(as_owner "$each")"
    done
    [ ! -g "$ROLLBACK" ] || case $(stat -c %A "$ROLLBACK") in
    ?????w*) # a group works here: what is made belongs to all of it
        umask 007
        FILE_MODE=660
        ;;
    esac
}

value_of() { # KEY TEXT: sets VALUE to a text in a flat JSON object
    case $2 in *"\"$1\":\""*) ;; *) return 1 ;; esac
    VALUE=${2#*"\"$1\":\""}
    VALUE=${VALUE%%\"*}
}

take_lock() { # for this script's whole life, and for that of the commands it calls
    file=$ROLLBACK/operation.lock
    [ ! -L "$file" ] || refuse 2 "$file is a symbolic link" 'find who made it'
    [ -z "$DRY" ] || [ -f "$file" ] || return 0
    if [ -n "$HAVE_FLOCK" ]; then
        [ -f "$file" ] || { : >>"$file" && chmod 660 "$file"; }
        exec 9<>"$file"
        flock -w 0.3 9 && return 0
    else
        inode "$file"
        case $(cat /proc/locks) in *FLOCK*":$INODE "*) ;; *) return 0 ;; esac
    fi
    who='somebody'
    if [ -f "$ROLLBACK/operation.holder.json" ]; then
        text=$(tr -c '[:print:]' '?' <"$ROLLBACK/operation.holder.json" | head -c 2000)
        value_of actor "$text" && who=$VALUE
        value_of operation "$text" && who="$who with $VALUE"
        value_of step "$text" && who="$who, at: $VALUE"
    fi
    refuse 5 "somebody else operates: $who" "wait for its end, or look at it: abaco-ops history"
}

confirm() {
    [ -z "$YES" ] || return 0
    [ -t 0 ] || refuse 2 'it is not confirmed: nobody can be asked here' 'give --yes'
    printf 'Where do you want to be? Type %s then Enter: ' "$OLD"
    read -r answer || answer=''
    [ "$answer" = "$OLD" ] || refuse 2 'it was not confirmed; nothing was changed' "type exactly: $OLD"
}

dry_run() {
    WORK=$(mktemp -d) || refuse 2 'no temporary directory can be made' 'set TMPDIR'
    trap 'rm -rf "$WORK"' EXIT
    code=0
    if check_snapshot; then
        printf 'ok  snapshot %s  %s files, every hash verified\n' "$SNAPSHOT" "$(wc -l <"$HERE/sha256sums")"
    else
        printf 'NO  %s\n    %s\n' "$WHY" "$WAY"
        code=3
    fi
    IFS=$NL
    for tree in $TREES; do
        unset IFS
        held "$tree" || continue
        staged_of "$tree"
        if check_staged "$tree" "$PLACES"; then
            printf 'ok  staged         %s is whole\n' "$tree"
        else
            printf '%s\n' "--  staged         $WHY: it is copied from the snapshot first"
        fi
    done
    unset IFS
    printf '%s\n' 'dry run: nothing was changed'
    exit $code
}

find_beginning() { # of the operation that it goes on with: when it was accepted, in this boot, and whether it is past return
    IFS=$NL
    for line in $(cat "$JOURNAL"); do
        case $line in
        *"\"boot_id\":\"$BOOT\""*'"kind":"accepted"'*)
            UP=${line#*'"boot":'} UP=${UP%%,*}
            part=${UP#*.}00
            part=${part%"${part#??}"}
            case ${UP%.*}:$part in :* | *[!0-9:]*) continue ;; esac
            BEGAN=$((${UP%.*} * 100 + 1$part - 100))
            ;;
        *'"no_return":true'*) PAST=1 ;;
        esac
    done
    unset IFS
}

begin() { # the operation's directory, or that of the one that stopped half-way
    uptime
    BEGAN=$HUNDREDTHS
    now
    BEGAN_AT=$NOW
    if [ -n "$GOES_ON" ]; then
        OPERATION=$GOES_ON
        DIRECTORY=$OPERATIONS/$OPERATION
        JOURNAL=$DIRECTORY/journal.jsonl
        whole_lines "$JOURNAL"
        SEQ=$(wc -l <"$JOURNAL")
        find_beginning
    else
        new_number "$OPERATIONS" -rollback || refuse 3 "$WHY" "${WAY:-nothing was changed}"
        OPERATION=$NEW_NAME
        DIRECTORY=$OPERATIONS/$OPERATION
        JOURNAL=$DIRECTORY/journal.jsonl
        mkdir "$DIRECTORY/requests" && chmod 2770 "$DIRECTORY/requests"
        put "$DIRECTORY/plan.json" "{\"operation\":\"$OPERATION\",\"plan\":$PLAN_JSON,\"actor\":$ACTOR_JSON,\"origin\":$ORIGIN_JSON,\"reason\":$REASON_JSON,\"accept_warn\":[],\"scheduled\":false}" || refuse 3 "$WHY" "$WAY"
        record planned "\"actor\":$ACTOR_JSON," '' "\"operation_kind\":\"rollback\",\"origin\":$ORIGIN_JSON,\"reason\":$REASON_JSON,\"release_from\":\"$NEW\",\"release_to\":\"$OLD\"," ",\"steps\":$STEPS_JSON"
    fi
    WORK=$DIRECTORY/return
    mkdir -p "$WORK"
    read_stat $$ || refuse 3 'this process cannot find itself in /proc' 'mount /proc'
    record worker '' '' "\"pid\":$$," ",\"start_time\":$START"
    if [ -n "$GOES_ON" ]; then
        end_orphans "$OPERATION"
        record resumed "\"actor\":$ACTOR_JSON," '' "\"mode\":\"resume\",\"origin\":$ORIGIN_JSON," ''
        event operation.resume '{"kind":"rollback"}' "$SEQ" "$OPERATION"
        say "RESUME of $OPERATION by $ACTOR ($ORIGIN), with RETURN.sh"
    else
        record accepted '' '' '"plan":"",' ''
        event operation.accepted "{\"kind\":\"rollback\",\"reason\":$REASON_JSON}" "$SEQ" "$OPERATION"
        say "ACCEPTED $OPERATION by $ACTOR ($ORIGIN), with RETURN.sh: $NEW -> $OLD"
    fi
    for name in $UNFINISHED; do end_orphans "$name"; done
}

hand_over() { # what root made in another account's deployment is that account's, whose monitor could not even read it
    [ "$(id -u)" = 0 ] && [ ! -g "$ROLLBACK" ] && [ -n "${DIRECTORY-}" ] || return 0
    whose=$(stat -c %u:%g "$ROLLBACK")
    case $whose in 0:*) return 0 ;; esac
    chown -R -h --from=0 "$whose" "$DIRECTORY" "$SNAPSHOTS/${SIDE:-.last}" "$SNAPSHOTS/.last" "$OPERATIONS/.last" \
        "$ROLLBACK/operation.holder.json" "$ROOT/$CONFIG" "$ROOT/logs/rollback.log" 2>/dev/null || :
    chown -h --from=0 ":${whose#*:}" "$SERVICES/$OLD_SERVICE/state.json" "$SERVICES/$NEW_SERVICE/state.json" 2>/dev/null || :
}

in_the_old_place() { # how the old release is started: nothing of this script clings to it
    cd "$ROOT" || return 1
    trap - HUP INT QUIT TERM PIPE TSTP
    [ "$FILE_MODE" = 660 ] || umask "$CALLED_UMASK" # where a group works, what it writes is the group's too
    if [ -n "$CALLED_LC_ALL" ]; then LC_ALL=$CALLED_LC_ALL; else unset LC_ALL; fi
    ABACO_OPS_SERVICE=$OLD_MARK ABACO_OPS_BUILD=$OLD_BUILD
    export ABACO_OPS_SERVICE ABACO_OPS_BUILD
    unset ABACO_OPS_DETACHED
}

main() {
    arguments "$@"
    tools
    check_place
    ACTOR=$(id -un 2>/dev/null) || ACTOR=$(id -u)
    ACTOR=$ACTOR@$(uname -n)
    ORIGIN=${SSH_CONNECTION-}
    ORIGIN=${ORIGIN%% *}
    ORIGIN=${ORIGIN:-local}
    json "$ACTOR" && ACTOR_JSON=$JSON
    json "$ORIGIN" && ORIGIN_JSON=$JSON
    take_lock
    if [ -e "$ROOT/$CONFIG" ] && ! { [ -f "$ROOT/$CONFIG" ] && [ -r "$ROOT/$CONFIG" ]; }; then
        refuse 2 "$ROOT/$CONFIG cannot be read, so it could not be kept when it is replaced" 'make it a file that this account may read, or move it away'
    fi
    look_around
    if [ -n "$STARTED" ] && [ "$STARTED" != "$CUTOVER" ]; then
        refuse 2 "this script is of $CUTOVER, and $STARTED started $NEW since: it would restore what is too old" 'go back where Python works: abaco-ops rollback'
    fi
    ABORT_ONLY=''
    new_has_started || ABORT_ONLY=1
    if [ -n "$ABORT_ONLY" ] && [ -z "$GOES_ON$UNFINISHED" ] && config_names_old && old_runs; then
        refuse 2 "nothing to go back from: $OLD is live and nothing is unfinished${BACK:+ ($BACK succeeded)}" ''
    fi
    printf '%s\n' "BACK FROM $NEW TO $OLD  (deployment $ROOT, snapshot $SNAPSHOT of $CUTOVER)"
    [ -z "$GOES_ON" ] || printf '%s\n' "  goes on with $GOES_ON, which stopped half-way"
    [ -z "$UNFINISHED" ] || printf '%s\n' "  puts right what stopped half-way:$UNFINISHED"
    printf '%s\n' "  checks the snapshot, stops $NEW, puts configuration and metrics back, starts $OLD;"
    printf '%s\n' "  what $NEW wrote is set aside in a side snapshot; nothing is deleted"
    [ -z "$DRY" ] || dry_run
    confirm
    look_around # without flock somebody may have begun while this one asked
    json "$REASON" && REASON_JSON=$JSON
    trap '' HUP INT QUIT PIPE TSTP # a line that drops, or a key, leaves nothing half-done
    trap hand_over EXIT
    begin
    all_steps
    ended SUCCEEDED '' 0
}

main "$@"
