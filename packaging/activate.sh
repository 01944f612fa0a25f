#!/bin/sh
# Puts another version of a running program in its place, and the former one back when it does not come up.
# packaging/deploy.sh runs it on the host; by hand it does the same there:
#
#   activate.sh COMPONENT ARCHIVE SHA256 [--ready URL]     as root
#
#   COMPONENT   server | bridge
#   ARCHIVE     a released archive for this machine, SHA256 its sum
#   --ready     what must answer 200 before it counts as up, beside what systemd is told
#
# The server brings its database up to date when it starts, and copies it before; the bridge's is copied here. When
# the new version fails after that and the former one does not read it any more, the copy takes its place again and
# what the new one made of it is kept beside. (PostgreSQL has no such copy: back up first when a release migrates.) While it restarts, clients wait and go on where they were.
set -eu

die() { # exit code, what is wrong and what to do
    code=$1
    shift
    printf 'activate.sh: %s\n' "$*" >&2
    exit "$code"
}
say() { printf '%s\n' "$*" || true; }
# Who asked may go away; what was begun is brought to its end.
trap '' PIPE
usage() { die 64 "usage: activate.sh server|bridge ARCHIVE SHA256 [--ready URL]"; }

[ $# = 3 ] || { [ $# = 5 ] && [ "$4" = --ready ]; } || usage
case $1 in
server) name=mission-control database=mission-control.db ;;
bridge) name=mc-bridge database=bridge.db ;;
*) usage ;;
esac
archive=$2 sum=$3 ready=${5:-}
for tool in systemctl sha256sum tar gzip; do
    command -v "$tool" >/dev/null || die 69 "\`$tool\` is missing on this host: install it"
done
[ -z "$ready" ] || command -v curl >/dev/null || die 69 "\`curl\` is missing on this host: install it, or leave --ready out"
[ "$(id -u)" = 0 ] || die 77 "not root: run it with sudo"

# The program that the unit starts is the one to replace.
program=$(systemctl show --property=ExecStart --value "$name" 2>/dev/null | sed -n 's/^{ path=\([^ ;]*\).*/\1/p' | head -n 1)
[ -f "${program:-/nowhere}" ] || die 69 "there is no service $name on this host: install it first, with install.sh"
if command -v dpkg-query >/dev/null && dpkg-query -S "$program" >/dev/null 2>&1; then
    die 69 "$program belongs to a Debian package: upgrade that instead, with apt-get install ./$name…deb"
fi
systemctl is-active --quiet "$name" || die 69 "$name does not run now: mend that first (journalctl -u $name), so that there is something to go back to"
data=$(systemctl show --property=StateDirectory --value "$name" 2>/dev/null)
data=/var/lib/${data:-$name}
# Where the settings keep it elsewhere.
other=$("$program" config show --json 2>/dev/null | sed -n 's/.*"\(data":{"dir\|data_dir\)":{"source":"\(\/\|MC_\)[^"]*","value":"\([^"]*\)".*/\3/p') || other=''
data=${other:-${MC_DATA_DIR:-$data}}

[ -f "$archive" ] || die 66 "$archive is not there"
is=$(sha256sum <"$archive")
[ "${is%% *}" = "$sum" ] || die 65 "$archive has the SHA-256 ${is%% *} and not $sum: copy it again; nothing was changed"

# ------------------------------------------------------------------------------------------ everything beforehand

beside=$program.deploy
mkdir "$beside" 2>/dev/null || die 75 "another deployment is under way ($beside): wait for it, or remove that folder"
trap 'rm -rf "$beside"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
tar -xzof "$archive" -C "$beside" 2>/dev/null || die 73 "$archive cannot be unpacked beside $program: is the disk full, or the archive none?"
set -- "$beside"/*/"$name"
[ -f "$1" ] || die 65 "$archive holds no $name"
new=$1
told=$("$new" version 2>/dev/null) || die 65 "the program in $archive does not run on this machine ($(uname -m)): take the archive for it"
former=$("$program" version 2>/dev/null) || former='another one'
unit=${new%/*}/$name.service
installed=/etc/systemd/system/$name.service
if [ -f "$unit" ] && [ -f "$installed" ] && ! sed "s|/usr/bin/$name|$program|" "$unit" | cmp -s - "$installed"; then
    say "The unit of this release differs from $installed, which stays as it is: compare them, or upgrade with install.sh."
fi
chmod 755 "$new"
cp -p "$program" "$beside/former" || die 73 "no room beside $program: make some; nothing was changed"
# What was copied before now is not of this deployment.
: >"$beside/began"
began=$(date +%s)
# While systemd holds the socket, whoever connects starts a service that was stopped.
socket=''
! systemctl is-active --quiet "$name.socket" 2>/dev/null || socket=$name.socket
stop() { systemctl stop ${socket:+"$socket"} "$name" 2>/dev/null; }

# ------------------------------------------------------------------------------------------------------ replace it

is_up() {
    [ -z "$socket" ] || systemctl start "$socket" 2>/dev/null || return 1
    systemctl restart "$name" 2>/dev/null || return 1
    # One that falls over at its first request does it now.
    tries=0
    while [ $tries -lt 30 ]; do
        systemctl is-active --quiet "$name" || return 1
        [ $tries -ge 2 ] && { [ -z "$ready" ] || curl -fsS -m 5 -o /dev/null "$ready" 2>/dev/null; } && return 0
        tries=$((tries + 1))
        sleep 1
    done
    return 1
}

say "$name: $former -> $told"
# From here on whoever ends this gets the former version back.
trap 'back "it was interrupted"' INT TERM HUP
back() { # why
    trap '' INT TERM HUP
    reason=$(journalctl -u "$name" --since "@$began" -o cat --no-pager 2>/dev/null | grep "^$name: " | tail -n 1) || reason=''
    reason="$1${reason:+; $reason}"
    stop || true
    mv -f "$beside/former" "$program"
    ready=''
    ! is_up || die 70 "the new version did not come up ($reason): the former one runs again"
    # It does not read what the new one has brought up to date.
    stop || true
    put_back_data
    is_up || die 70 "the new version did not come up ($reason), and the former one does not either: see journalctl -u $name$restored"
    die 70 "the new version did not come up ($reason): the former one runs again$restored"
}
restored=''
put_back_data() {
    case $name in
    mission-control) copy=$(find "$data/backups" -maxdepth 1 -name 'before-migration-from-v*.db' -newer "$beside/began" 2>/dev/null | head -n 1) ;;
    mc-bridge) copy=$beside/state/$database ;;
    esac
    [ -f "$copy" ] || return 0
    kept=$data/failed-$(date -u +%Y%m%dT%H%M%SZ)
    # Beside its place first: a full disk may be why the new version did not come up.
    { cp -p "$copy" "$data/$database.back" && { [ ! -f "$copy-wal" ] || cp -p "$copy-wal" "$data/$database-wal.back"; } &&
        mkdir -m 700 "$kept"; } 2>/dev/null || no_room_for_data
    for file in "$data/$database" "$data/$database-wal" "$data/$database-shm"; do
        [ ! -e "$file" ] || mv "$file" "$kept/"
    done
    [ ! -f "$data/$database-wal.back" ] || mv "$data/$database-wal.back" "$data/$database-wal"
    mv "$data/$database.back" "$data/$database"
    restored="; its database is the copy from before, what the new one made of it lies in $kept"
}

no_room_for_data() {
    rm -f "$data/$database.back" "$data/$database-wal.back"
    trap - EXIT # the copy outlives this
    die 70 "the new version did not come up ($reason), and there is no room in $data for the copy of its database from before: make room, put $copy (and $copy-wal, if there is one) in the place of $data/$database, remove $beside, and start $name"
}

# The bridge makes no copy of its own; it is small, and copied while nobody writes.
if [ "$name" = mc-bridge ] && [ -f "$data/$database" ]; then
    stop || die 70 "systemd does not stop $name: nothing was changed"
    mkdir "$beside/state"
    for file in "$data/$database" "$data/$database-wal"; do
        [ ! -f "$file" ] || cp -p "$file" "$beside/state/" || back "no room for a copy of its state"
    done
fi
mv -f "$new" "$program" || back "$program cannot be replaced"
is_up || back "it is not ready"
trap - INT TERM HUP
say "$name: $("$program" version) is up"
