#!/bin/sh
# A stand-in for systemctl and journalctl where no systemd runs: starts what a unit says, as the user that it says,
# and tells whether that came up. For the tests of install.sh, in a root that is thrown away.
set -eu
verb='' name=''
for word in "$@"; do
    case $word in
    -*) ;;
    [0-9]* | cat) ;;
    *) if [ -z "$verb" ] && [ "${0##*/}" = systemctl ]; then verb=$word; else name=${word%.service}; fi ;;
    esac
done
unit=/etc/systemd/system/$name.service
pid=/run/$name.pid
journal=/run/$name.journal
alive() { [ -s "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }
stop() {
    alive || return 0
    kill "$(cat "$pid")"
    while alive; do sleep 0.1; done
}
key() { sed -n "s/^$1=//p" "$unit" | head -n 1; }
start() {
    alive && return 0
    folder=/var/lib/$(key StateDirectory)
    echo "Starting $name.service" >>"$journal"
    # shellcheck disable=SC2016 # the shell of the user expands it
    STATE_DIRECTORY=$folder PROGRAM=$(key ExecStart) su -s /bin/sh "$(key User)" \
        -c 'echo $$ >&3; exec $PROGRAM' 3>"$pid" >>"$journal" 2>&1 &
    while :; do
        sleep 0.1
        tail -n 3 "$journal" | grep -q ' ready ' && return 0
        [ ! -s "$pid" ] || alive || return 1
    done
}
case ${0##*/} in
journalctl) cat "$journal" ;;
systemctl)
    case $verb in
    daemon-reload) ;;
    enable) [ -f "$unit" ] && touch "/run/$name.enabled" ;;
    disable) rm -f "/run/$name.enabled" && stop ;;
    is-active) alive ;;
    start) start ;;
    stop) stop ;;
    restart) stop && start ;;
    *) echo "stand-in for systemctl: what is $verb?" >&2 && exit 1 ;;
    esac
    ;;
esac
