#!/usr/bin/env bash
# The words that the scripts of this folder take, and how they refuse one: in one line that says what to do, with an
# exit code of sysexits. Sourced by them after `usage=` is set; does nothing by itself, and knows nothing of building
# or packing.
# shellcheck disable=SC2034,SC2154 # what is set here is read by them, and the other way round
set -euo pipefail

targets=(x86_64-unknown-linux-musl aarch64-unknown-linux-musl armv7-unknown-linux-musleabihf)

die() { # exit code, what is wrong and what to do
    echo "${0##*/}: $2" >&2
    exit "$1"
}

# The word for a component as `component`, and the program that it is as `name`.
take_component() { # word
    component=$1
    case $component in
    server) name=mission-control ;;
    bridge) name=mc-bridge ;;
    *) die 64 "unknown component \`$component\`: take server or bridge; $usage" ;;
    esac
}

# The word for a target as `target`, and what Debian calls it as `architecture`.
take_target() { # word
    target=$1
    case $target in
    x86_64-unknown-linux-musl) architecture=amd64 ;;
    aarch64-unknown-linux-musl) architecture=arm64 ;;
    armv7-unknown-linux-musleabihf) architecture=armhf ;;
    *) die 64 "unknown target \`$target\`: take one of ${targets[*]}" ;;
    esac
}

# A version as the releases have it, as `version`.
take_version() { # word
    version=$1
    [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || die 64 "\`$version\` is no version such as 1.2.3; $usage"
}

needs() { # tools
    local tool
    for tool; do
        command -v "$tool" >/dev/null || die 69 "\`$tool\` is missing: install it"
    done
}

# Every file of a release has the time of its commit; sets SOURCE_DATE_EPOCH unless the environment has it.
take_time() {
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null)} ||
        die 65 "this is no git checkout: set SOURCE_DATE_EPOCH to the time of the release in seconds"
    [[ $SOURCE_DATE_EPOCH =~ ^[0-9]+$ ]] ||
        die 65 "SOURCE_DATE_EPOCH must be a number of seconds, not \`$SOURCE_DATE_EPOCH\`"
    export SOURCE_DATE_EPOCH
}

# The finished program of this component and target, as `program`; its manual, completions and notices are in `share`.
take_program() {
    local machine each
    program=target/dist/$target/$name share=target/dist/$target/share/$name
    for each in "$program" "$share/THIRD-PARTY.txt" "$share/man/$name.1"; do
        [ -f "$each" ] || die 66 "$each is not there: run packaging/build.sh $target $component first"
    done
    # The machine that an ELF file is for stands in its bytes 18 and 19.
    machine=$(od -An -tx1 -j18 -N2 "$program" | tr -d ' ')
    case $architecture,$machine in
    amd64,3e00 | arm64,b700 | armhf,2800) ;;
    *) die 65 "$program is not a program for $target: build it again with packaging/build.sh" ;;
    esac
}

# The version that the sources of this component say, as `version`.
take_source_version() {
    version=$(cargo pkgid --offline -p "$name") || die 65 "cargo cannot tell the version of $name: see above"
    version=${version##*[@#]}
}

# Where a file is put together before it is laid into `release`, as `work`; gone when the script ends. `release` is
# where releases stand, or another folder of this clone in which release.sh puts one together.
take_workplace() {
    release=${MC_RELEASE_FOLDER:-target/dist/release}
    [[ $release != /* ]] || die 64 "MC_RELEASE_FOLDER must be a folder of this clone, not $release"
    mkdir -p "$release" || die 73 "$release cannot be made: see above"
    work=$(mktemp -d "$PWD/$release/.work.XXXXXX") || die 74 "nothing can be written to $release: make room"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}
