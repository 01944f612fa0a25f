#!/bin/sh
# Installs Mission Control or the Comms Bridge on a Linux machine, upgrades it, or takes it away again.
#
#   install.sh [server|bridge] [OPTIONS]          server when neither is named
#
#   --version X.Y.Z   this version, older ones too; without it the newest, and never over a newer one
#   --prefix DIR      where programs, man pages and completions go [/usr/local]
#   --no-service      the program alone: no service, user, configuration or data
#   --force           install again what is installed already
#   --uninstall       take away program and service; configuration and data stay
#   --purge           with --uninstall: configuration, data and user as well
#
# A configuration that is there is never written over. What is downloaded is checked against the SHA-256 sums of its
# release, and these against the signature of the release where `cosign` or `gh` is installed. Nothing is changed
# before everything is downloaded, checked and has answered, so that whatever goes wrong leaves what was there.
#
# MC_RELEASE_URL    another place with the same files as https://github.com/mission-control/mission-control/releases/download
#
# Exit codes follow sysexits: 64 wrong arguments, 65 wrong download, 69 something is missing or unavailable,
# 73 no room or no writing, 77 not permitted.
set -eu

REPOSITORY=mission-control/mission-control
RELEASES=${MC_RELEASE_URL:-https://github.com/$REPOSITORY/releases/download}
RELEASES=${RELEASES%/}

say() { printf '%s\n' "$*"; }

die() { # exit code, what is wrong and what to do
    code=$1
    shift
    printf 'install.sh: %s\n' "$*" >&2
    exit "$code"
}

have() { command -v "$1" >/dev/null 2>&1; }

usage() { die 64 "$1; usage: install.sh [server|bridge] [--version X.Y.Z] [--prefix DIR] [--no-service] [--force] [--uninstall [--purge]]"; }

# ---------------------------------------------------------------------------------------------- what is asked for

read_arguments() {
    component='' version='' prefix=/usr/local service=yes force=no uninstall=no purge=no
    while [ $# -gt 0 ]; do
        case $1 in
        server | bridge)
            [ -z "$component" ] || usage "one component at a time, not \`$component\` and \`$1\`"
            component=$1
            ;;
        --version | --prefix)
            [ $# -ge 2 ] || usage "\`$1\` needs a value"
            if [ "$1" = --version ]; then version=$2; else prefix=$2; fi
            shift
            ;;
        --version=*) version=${1#*=} ;;
        --prefix=*) prefix=${1#*=} ;;
        --no-service) service=no ;;
        --force) force=yes ;;
        --uninstall) uninstall=yes ;;
        --purge) purge=yes ;;
        -h | --help)
            say "usage: install.sh [server|bridge] [--version X.Y.Z] [--prefix DIR] [--no-service] [--force] [--uninstall [--purge]]"
            exit 0
            ;;
        *) usage "\`$1\` is not known" ;;
        esac
        shift
    done
    component=${component:-server}
    version=${version#v}
    [ -z "$version" ] || is_version "$version" || usage "\`$version\` is not a version such as 1.2.3"
    case $prefix in
    / | *[!A-Za-z0-9/._+-]* | *..*) usage "--prefix must be a plain path such as /usr/local, not \`$prefix\`" ;;
    /*) prefix=${prefix%/} ;;
    *) usage "--prefix must be a whole path that begins with /, not \`$prefix\`" ;;
    esac
    [ "$purge" = no ] || [ "$uninstall" = yes ] || usage "--purge goes with --uninstall"
    case $component in
    server) name=mission-control title="Mission Control" ;;
    bridge) name=mc-bridge title="The Comms Bridge" ;;
    esac
    program=$prefix/bin/$name
    unit=/etc/systemd/system/$name.service
    data=/var/lib/$name
}

is_version() {
    case $1 in *[!0-9A-Za-z.-]*) return 1 ;; esac
    printf '%s\n' "$1" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$'
}

# Whether version $1 comes after $2. A version with a `-suffix` comes before the one without.
is_newer() {
    newer_a=$1 newer_b=$2
    for newer_field in 1 2 3; do
        newer_x=$(printf '%s' "${newer_a%%-*}" | cut -d. -f"$newer_field")
        newer_y=$(printf '%s' "${newer_b%%-*}" | cut -d. -f"$newer_field")
        [ "$newer_x" -eq "$newer_y" ] || { [ "$newer_x" -gt "$newer_y" ] && return 0 || return 1; }
    done
    case $newer_a,$newer_b in
    *-*,*-*) [ "$newer_a" != "$newer_b" ] &&
        [ "$(printf '%s\n%s\n' "$newer_a" "$newer_b" | sort | tail -n 1)" = "$newer_a" ] ;;
    *,*-*) return 0 ;;
    *) return 1 ;;
    esac
}

# ---------------------------------------------------------------------------------------------- what is here

# The program is static, so the kernel alone decides what runs: a 64-bit one under 32-bit tools
# (Raspberry Pi OS) runs the 64-bit program. `armv8l` is how it calls itself to a 32-bit process.
find_target() {
    system=$(uname -s)
    machine=$(uname -m)
    case $system in
    Linux) ;;
    Darwin) die 69 "this is macOS: install it with Homebrew (\`brew install mission-control/tap/$name\`)" ;;
    *) die 69 "$system is not supported: there are programs for Linux on x86_64, aarch64 and armv7" ;;
    esac
    case $machine in
    x86_64 | amd64) target=x86_64-unknown-linux-musl ;;
    aarch64 | arm64) target=aarch64-unknown-linux-musl ;;
    armv7* | armv8l) target=armv7-unknown-linux-musleabihf ;;
    *) die 69 "there is no program for $machine (only for x86_64, aarch64 and armv7): build it from source" ;;
    esac
}

# What else is on the machine: enough to install, and nothing that it would collide with.
look_around() {
    for tool in tar gzip mktemp uname sed grep cut tr sort df mv cp; do
        have "$tool" || die 69 "\`$tool\` is missing: install it and run this again"
    done
    if have curl; then
        fetcher=curl
    elif have wget; then
        fetcher=wget
        # The wget of some busyboxes crashes when it is given a time limit, and GNU's says nothing of errors with -q.
        patience=-q
        if wget --version 2>/dev/null | grep -q GNU; then patience='-nv --tries=2 --timeout=60'; fi
    else
        die 69 "neither curl nor wget is here: install one of them and run this again"
    fi
    have sha256sum || have shasum || have openssl ||
        die 69 "nothing here checks a SHA-256: install \`sha256sum\` (coreutils), \`shasum\` or \`openssl\`"
    may_i
    not_a_package
    if [ "$service" = yes ]; then
        has_systemd || die 69 "systemd does not run here: add --no-service to install the program alone, and start it by your own means"
        have useradd || have adduser || die 69 "neither useradd nor adduser is here to make the user $name: add --no-service, or make the user by hand"
    fi
}

has_systemd() { [ -d /run/systemd/system ] && have systemctl; }

may_i() {
    [ "$(id -u)" != 0 ] || return 0
    [ "$service" = no ] ||
        die 77 "not root: run it with sudo, or for yourself alone: install.sh $component --no-service --prefix \"\$HOME/.local\""
    place=$prefix/bin
    while [ ! -e "$place" ]; do place=${place%/*} place=${place:-/}; done
    [ -w "$place" ] || die 77 "$place cannot be written by $(id -un): run it with sudo, or choose --prefix \"\$HOME/.local\""
}

not_a_package() {
    if have dpkg-query && dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed'; then
        die 69 "$name is installed as a Debian package: upgrade or remove it with apt, or remove it before you use this"
    fi
}

# The version of the program that is installed; nothing when there is none, or it is broken.
installed_version() {
    [ -x "$program" ] || return 0
    version_of "$program"
}

version_of() { "$1" version --json 2>/dev/null | sed -n 's/.*"version": *"\([^"]*\)".*/\1/p'; }

# ---------------------------------------------------------------------------------------------- getting it

# A child that is waited for, so that a signal is heard at once and not when the child has ended.
run() {
    "$@" &
    child=$!
    status=0
    wait "$child" || status=$?
    child=''
    return "$status"
}

# Fetches $1 into the file $2. 0 = here, 1 = there is no such file, 2 = not to be had, `why` says why.
fetch() {
    case $fetcher in
    curl)
        case $1 in https://*) secure='--proto =https --proto-redir =https --tlsv1.2' ;; *) secure='' ;; esac
        # shellcheck disable=SC2086 # several words on purpose
        run curl --fail --silent --show-error --location $secure --connect-timeout 20 --retry 2 \
            --speed-limit 1000 --speed-time 60 --output "$2" "$1" 2>"$work/why" && return 0
        code=$?
        why=$(sed -n '$s/^curl: ([0-9]*) //p' "$work/why")
        case $code,$why in
        22,*404*) return 1 ;;
        23,*) no_room "$work" ;;
        esac
        ;;
    wget)
        # shellcheck disable=SC2086 # several words on purpose
        run wget $patience -O "$2" "$1" 2>"$work/why" && return 0
        code=$?
        why=$(tail -n 1 "$work/why" | sed 's/^wget: //')
        case $why in *404*) return 1 ;; esac
        # The wget of a busybox does not say that the disk is full.
        free=$(free_in "$work")
        [ "${free:-64}" -ge 64 ] || no_room "$work"
        ;;
    esac
    why=${why:-"$fetcher ended with $code"}
    return 2
}

free_in() { df -Pk "$1" | sed -n '$p' | tr -s ' ' | cut -d' ' -f4; } # KiB

no_room() { # where
    free=$(free_in "$1")
    [ "${free:-0}" -lt 65536 ] ||
        die 73 "$1 cannot be written, though there is room: look whether it is read-only, or a file where a folder should be"
    die 73 "$1 cannot be written (${free:-?} KiB free there): make room$([ "$1" = "$work" ] && printf ', or set TMPDIR to a place with room'), and run this again"
}

unreachable() { die 69 "$1 cannot be had: $why; is the network up? Run this again, or download by hand and see packaging/README.md"; }

# The newest version: a line in a small file that each release moves on when all of its files are up.
newest_version() {
    fetched=0
    fetch "$RELEASES/latest/$component" "$work/newest" || fetched=$?
    case $fetched in
    0) ;;
    1) die 69 "$RELEASES/latest/$component is not there: name a version with --version X.Y.Z" ;;
    *) unreachable "$RELEASES/latest/$component" ;;
    esac
    version=$(sed -n 1p "$work/newest" | tr -d '\r ')
    is_version "$version" || die 65 "$RELEASES/latest/$component does not hold a version: name one with --version X.Y.Z"
}

download() {
    folder=$name-$version-$target
    archive=$folder.tar.gz
    from=$RELEASES/$component-v$version
    say "Downloading $archive"
    fetched=0
    fetch "$from/SHA256SUMS" "$work/SHA256SUMS" || fetched=$?
    case $fetched in
    0) ;;
    1) die 69 "there is no release $component-v$version, for $from/SHA256SUMS is not there: leave --version out for the newest" ;;
    *) unreachable "$from/SHA256SUMS" ;;
    esac
    fetched=0
    fetch "$from/$archive" "$work/$archive" || fetched=$?
    case $fetched in
    0) ;;
    1) die 69 "release $component-v$version has no $archive: choose another --version" ;;
    *) unreachable "$from/$archive" ;;
    esac
    check_sum
    check_signature
    if ! run tar -xzof "$work/$archive" -C "$work" 2>/dev/null; then
        free=$(free_in "$work")
        [ "${free:-0}" -ge 65536 ] || no_room "$work"
        die 65 "$archive cannot be unpacked: nothing was installed; tell $REPOSITORY"
    fi
    [ -f "$work/$folder/$name" ] || die 65 "$archive holds no $name: tell $REPOSITORY"
}

check_sum() {
    want=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$archive\$/\1/p" "$work/SHA256SUMS")
    [ -n "$want" ] || die 65 "$from/SHA256SUMS says nothing of $archive: nothing was installed"
    if have sha256sum; then
        is=$(sha256sum "$work/$archive")
    elif have shasum; then
        is=$(shasum -a 256 "$work/$archive")
    else
        is=$(openssl dgst -sha256 -r "$work/$archive")
    fi
    [ "${is%% *}" = "$want" ] ||
        die 65 "$archive has not the SHA-256 of its release (${is%% *}, should be $want): nothing was installed; run this again, and if it stays so tell $REPOSITORY"
}

# What the workflow of the release signs without a key of its own: that it built these files from this tag.
check_signature() {
    if have gh && gh attestation verify --help >/dev/null 2>&1; then
        verifier=gh
    elif have cosign && cosign verify-blob-attestation --help >/dev/null 2>&1; then
        verifier=cosign
    else
        say "The SHA-256 is right. (The signature is looked at where \`gh\` or \`cosign\` is installed.)"
        return 0
    fi
    bundle=$name-$version.sigstore.json
    fetched=0
    fetch "$from/$bundle" "$work/$bundle" || fetched=$?
    case $fetched in
    0) ;;
    1)
        # Every release is signed where it is made; a copy of it may be without.
        [ -n "${MC_RELEASE_URL:-}" ] ||
            die 65 "the signature of $component-v$version is not there: nothing was installed; tell $REPOSITORY"
        say "The SHA-256 is right. (This release is not signed.)"
        return 0
        ;;
    *) unreachable "$from/$bundle" ;;
    esac
    signer=https://github.com/$REPOSITORY/.github/workflows/release-$component.yml@refs/tags/$component-v$version
    case $verifier in
    gh) run gh attestation verify "$work/$archive" --repo "$REPOSITORY" --cert-identity "$signer" --bundle "$work/$bundle" ;;
    cosign)
        run cosign verify-blob-attestation --new-bundle-format --bundle "$work/$bundle" --type slsaprovenance1 \
            --certificate-identity "$signer" --certificate-oidc-issuer https://token.actions.githubusercontent.com "$work/$archive"
        ;;
    esac >"$work/signature" 2>&1 ||
        die 65 "$verifier does not find the signature of $archive right ($(tail -n 1 "$work/signature")): nothing was installed"
    say "The SHA-256 and the signature are right ($verifier)."
}

# ---------------------------------------------------------------------------------------------- putting it there

# Everything that is placed lies beside its place first, so that placing is a rename.
stage() { # file, place, mode
    [ ! -L "$1" ] || die 65 "$archive holds a link, as no release does: nothing was installed; tell $REPOSITORY"
    [ ! -d "$2" ] || die 73 "$2 is a folder: move it away, and run this again"
    into=${2%/*}
    make_folder "$into" || no_room_above "$into"
    sweep "$2"
    staged="$staged $2"
    run cp "$1" "$2.$mark" 2>/dev/null || no_room "$into"
    chmod "$3" "$2.$mark"
}

# What an installer that was killed has left beside this place.
sweep() { # place
    for stale in "$1".new.*; do
        [ ! -e "$stale" ] || kill -0 "${stale##*.}" 2>/dev/null || rm -f "$stale"
    done
}

# What is never written over.
stage_new() { # file, place, mode, owner and group
    [ ! -e "$2" ] || return 0
    stage "$1" "$2" "$3"
    owned="$owned $4=$2"
}

make_folder() {
    [ ! -d "$1" ] || return 0
    make_folder "${1%/*}" && mkdir "$1" 2>/dev/null && made="$1 $made"
}

no_room_above() {
    place=$1
    while [ ! -d "$place" ]; do place=${place%/*} place=${place:-/}; done
    no_room "$place"
}

stage_all() {
    here=$work/$folder
    stage "$here/$name" "$program" 755
    answered=$(version_of "$program.$mark")
    if [ "$answered" != "$version" ]; then
        [ "$(version_of "$here/$name")" != "$version" ] ||
            die 69 "no program runs in ${program%/*}: is it mounted noexec? Choose another --prefix"
        die 65 "the downloaded $name does not run here ($machine): nothing was installed; build it from source"
    fi
    for page in "$here"/man/*.1; do
        [ ! -f "$page" ] || stage "$page" "$prefix/share/man/man1/${page##*/}" 644
    done
    for shell in bash/"$name":bash-completion/completions zsh/_"$name":zsh/site-functions fish/"$name".fish:fish/vendor_completions.d; do
        file=$here/completions/${shell%%:*}
        [ ! -f "$file" ] || stage "$file" "$prefix/share/${shell#*:}/${file##*/}" 644
    done
    if [ "$service" = yes ]; then
        sed "s|/usr/bin/$name|$program|g" "$here/$name.service" >"$work/unit" || no_room "$work"
        stage "$work/unit" "$unit" 644
        stage_settings
    fi
}

stage_settings() {
    case $component in
    server) stage_new "$here/etc/mission-control.toml" /etc/mission-control/mission-control.toml 640 "root:$name" ;;
    bridge)
        stage_new "$here/etc/comms-bridge.yaml" /etc/openclaw/comms-bridge.yaml 640 "root:$name"
        printf '# The secrets that comms-bridge.yaml names, as lines NAME=value. Only the user mc-bridge reads this file.\n' >"$work/secrets"
        stage_new "$work/secrets" /etc/openclaw/mc-bridge.secrets 600 "$name:$name"
        ;;
    esac
}

# From here to its end nothing can fail but the disk itself, and nobody may cut in. The program comes last, so that one
# of this version tells that the rest is there.
place_all() {
    trap '' INT TERM HUP
    for owner in $owned; do
        chown "${owner%%=*}" "${owner#*=}.$mark"
    done
    if [ "$service" = yes ] && [ ! -d "$data" ]; then
        mkdir "$data"
        chown "$name:$name" "$data"
        chmod 700 "$data"
    fi
    for place in $staged; do
        [ "$place" = "$program" ] || mv -f "$place.$mark" "$place"
    done
    mv -f "$program.$mark" "$program"
    staged='' made=''
    if [ "$service" = yes ]; then
        systemctl daemon-reload
        # One that somebody has switched off stays so.
        [ "$is_new" = no ] || systemctl enable --quiet "$name" 2>/dev/null ||
            die 69 "systemd does not enable $name: see \`systemctl status $name\`"
    fi
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

clean_up() {
    trap '' INT TERM HUP
    [ -z "$child" ] || kill "$child" 2>/dev/null || true
    for place in $staged; do
        rm -f "$place.$mark"
    done
    for place in $made; do
        rmdir "$place" 2>/dev/null || true
    done
    [ -z "$work" ] || rm -rf "$work"
}

make_user() {
    id -u "$name" >/dev/null 2>&1 && return 0
    nologin=/usr/sbin/nologin
    [ -x "$nologin" ] || nologin=/sbin/nologin
    [ -x "$nologin" ] || nologin=/bin/false
    if have useradd; then
        useradd --system --user-group --home-dir "$data" --no-create-home --shell "$nologin" "$name"
    else
        { grep -q "^$name:" /etc/group || addgroup -S "$name"; } &&
            adduser -S -D -H -h "$data" -s "$nologin" -G "$name" "$name"
    fi >/dev/null 2>&1 || die 69 "the user $name cannot be made: make it by hand, and run this again"
}

# ---------------------------------------------------------------------------------------------- the service

start_service() {
    was_active=no
    systemctl is-active --quiet "$name" && was_active=yes
    if [ "$is_new" = no ] && is_off; then
        say "Its service was switched off, and stays so: \`systemctl enable --now $name\` starts it."
        return 0
    fi
    if [ "$component" = bridge ] && [ "$was_active" = no ]; then
        say "Next: write what it needs into /etc/openclaw/comms-bridge.yaml and the keys into /etc/openclaw/mc-bridge.secrets,"
        say "  then \`systemctl start mc-bridge\`; \`mc-bridge check\` says what is wrong, \`journalctl -u mc-bridge\` what happens."
        return 0
    fi
    { systemctl restart "$name" 2>/dev/null && systemctl is-active --quiet "$name"; } || not_started
    if [ "$component" = server ]; then show_link; else say "$title runs; what happens: journalctl -u $name"; fi
}

is_off() { ! systemctl is-active --quiet "$name" && ! systemctl is-enabled --quiet "$name" 2>/dev/null; }

# The last word of the program is what is wrong and how to mend it.
not_started() {
    reason=$(journalctl -u "$name" -n 30 -o cat --no-pager 2>/dev/null | grep "^$name: " | tail -n 1)
    systemctl stop "$name" 2>/dev/null || true
    die 69 "$name $version is installed but does not start: ${reason:-see \`journalctl -u $name\`}; when it is mended (settings: $(settings_file)), \`systemctl start $name\`"
}

settings_file() { [ "$component" = server ] && printf /etc/mission-control/mission-control.toml || printf /etc/openclaw/comms-bridge.yaml; }

show_link() {
    line=$(journalctl -u "$name" -n 30 -o cat --no-pager 2>/dev/null | sed -n 's/.*\(open http[^ ]*\/setup#[^ ]*\) to set up.*/\1/p' | tail -n 1)
    if [ -f "$data/setup-token" ]; then
        say "${title} runs. To set it up, ${line:-open the link that it shows}"
        say "  (again: journalctl -u $name | grep 'to set up'; settings: /etc/mission-control/mission-control.toml)"
    else
        say "$title runs; what happens: journalctl -u $name"
    fi
}

# ---------------------------------------------------------------------------------------------- the three tasks

install_it() {
    find_target
    look_around
    work=$(mktemp -d "${TMPDIR:-/tmp}/mc-install.XXXXXX" 2>/dev/null) ||
        die 73 "no temporary folder can be made in ${TMPDIR:-/tmp}: make room, or set TMPDIR to a place with room"
    if [ "$service" = yes ]; then
        [ ! -L "$unit" ] || die 69 "$unit is a link: if the service is masked, \`systemctl unmask $name\`; else add --no-service"
        same_prefix
    fi
    asked=$version
    [ -n "$version" ] || newest_version
    old=$(installed_version)
    if [ -n "$old" ] && [ "$force" = no ]; then
        if [ -z "$asked" ] && is_newer "$old" "$version"; then
            say "$name $old is installed, newer than the newest release $version: nothing was done (--force installs $version)"
            return 0
        fi
        if [ "$old" = "$version" ] && { [ "$service" = no ] || { [ -f "$unit" ] && [ -f "$(settings_file)" ]; }; }; then
            say "$name $version is installed already: nothing was done (--force installs it again)"
            [ "$service" = no ] || systemctl is-active --quiet "$name" ||
                say "It does not run: \`systemctl enable --now $name\` starts it, \`journalctl -u $name\` says why it ended."
            return 0
        fi
    fi
    download
    is_new=no
    [ "$service" = no ] || [ -f "$unit" ] || is_new=yes
    stage_all
    [ "$service" = no ] || make_user
    place_all
    say "Installed $program $version${old:+ (was $old)}"
    if [ -n "$old" ] && is_newer "$old" "$version"; then
        say "Note: $version is older than $old; a database that $old has changed is refused by it, a backup from before is not."
    fi
    if [ "$service" = yes ]; then
        start_service
    else
        say "No service was made. Start it with \`$program\`; \`$program --help\` shows the settings."
    fi
}

# The unit tells where the program is that it starts.
same_prefix() {
    [ -f "$unit" ] || return 0
    other=$(sed -n "s|^ExecStart=\(/.*\)/bin/$name .*|\1|p" "$unit")
    [ "${other:-$prefix}" = "$prefix" ] || die 69 "$name is installed in $other: add --prefix $other"
}

uninstall_it() {
    # What this script has installed beside a package goes; what both would share does not.
    { [ "$purge" = no ] && { [ -e "$program" ] || [ -e "$unit" ]; }; } || not_a_package
    [ "$(id -u)" = 0 ] || [ "$service" = no ] || die 77 "not root: run it with sudo, or with --no-service for a program of your own"
    [ -e "$program" ] || [ -e "$unit" ] || [ "$purge" = yes ] ||
        die 69 "$program is not installed: name the --prefix that it was installed with"
    [ "$service" = no ] || same_prefix
    if [ "$service" = yes ] && [ -e "$unit" ]; then
        if has_systemd; then
            # First, for whoever connects to it starts the service again.
            [ ! -e "${unit%.service}.socket" ] || systemctl disable --now --quiet "$name.socket" 2>/dev/null || true
            systemctl disable --now --quiet "$name" 2>/dev/null ||
                die 69 "systemd does not stop $name: see \`systemctl status $name\`; nothing was removed"
        fi
        rm -f "$unit" "${unit%.service}.socket"
        ! has_systemd || systemctl daemon-reload
    fi
    for place in "$program" "$unit"; do sweep "$place"; done
    rm -f "$program" "$prefix/share/man/man1/$name".1 "$prefix/share/man/man1/$name"-*.1 \
        "$prefix/share/bash-completion/completions/$name" "$prefix/share/zsh/site-functions/_$name" \
        "$prefix/share/fish/vendor_completions.d/$name.fish"
    if [ "$purge" = yes ] && [ "$service" = yes ]; then
        purge_all
        say "$title is gone, with its configuration and $data."
    elif [ "$service" = yes ]; then
        say "$title is gone; its data in $data and its configuration stay (--uninstall --purge removes them)."
    else
        say "$program is gone."
    fi
}

purge_all() {
    # A disk of its own may be mounted there.
    rm -rf "$data" 2>/dev/null || say "$data could not be removed whole."
    if [ "$component" = server ]; then
        rm -rf /etc/mission-control
    else
        rm -f /etc/openclaw/comms-bridge.yaml /etc/openclaw/mc-bridge.secrets
        # Where it is not root's it is OpenClaw's.
        [ ! -O /etc/openclaw ] || rmdir /etc/openclaw 2>/dev/null || true
    fi
    if have userdel; then
        userdel "$name" 2>/dev/null || true
    elif have deluser; then
        deluser "$name" 2>/dev/null || true
    fi
}

# All of it is read before any of it runs: half a script does nothing.
main() {
    work='' staged='' owned='' made='' child='' mark="new.$$"
    umask 022
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    read_arguments "$@"
    if [ "$uninstall" = yes ]; then uninstall_it; else install_it; fi
}

main "$@"
