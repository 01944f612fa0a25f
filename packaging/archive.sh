#!/usr/bin/env bash
# Packs one program as the archive that is released: the same bytes for the same commit.
#
#   packaging/archive.sh COMPONENT TARGET
#
#   COMPONENT  server | bridge
#   TARGET     x86_64-unknown-linux-musl | aarch64-unknown-linux-musl | armv7-unknown-linux-musleabihf
#
# Takes the program from target/dist/TARGET/ (packaging/build.sh puts it there), lays
# target/dist/release/NAME-VERSION-TARGET.tar.gz down and prints its path. Times are those of the commit, or
# SOURCE_DATE_EPOCH.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { # exit code, what is wrong and what to do
    echo "archive.sh: $2" >&2
    exit "$1"
}
usage() { die 64 "usage: packaging/archive.sh server|bridge TARGET"; }

[ $# = 2 ] || usage
target=$2
case $1 in
server) name=mission-control config=packaging/mission-control.toml ;;
bridge) name=mc-bridge config=packaging/comms-bridge.yaml ;;
*) usage ;;
esac
# The machine that an ELF file is for stands in its bytes 18 and 19.
case $target in
x86_64-unknown-linux-musl) machine=3e00 ;;
aarch64-unknown-linux-musl) machine=b700 ;;
armv7-unknown-linux-musleabihf) machine=2800 ;;
*) die 64 "unknown target \`$target\`: see the list at the top of packaging/archive.sh" ;;
esac
for tool in cargo tar gzip od install; do
    command -v "$tool" >/dev/null || die 69 "\`$tool\` is missing: install it"
done
tar --version 2>/dev/null | grep -q 'GNU tar' || die 69 "GNU tar is needed: install it as \`tar\`"

program=target/dist/$target/$name
[ -f "$program" ] || die 66 "$program is not there: run packaging/build.sh $target $1 first"
[ "$(od -An -tx1 -j18 -N2 "$program" | tr -d ' ')" = "$machine" ] ||
    die 65 "$program is not a program for $target: build it again with packaging/build.sh"
version=$(cargo pkgid --offline -p "$name") || die 65 "cargo cannot tell the version of $name: see above"
version=${version##*[@#]}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null)} ||
    die 65 "this is no git checkout: set SOURCE_DATE_EPOCH to the time of the release in seconds"
[[ $epoch =~ ^[0-9]+$ ]] || die 65 "SOURCE_DATE_EPOCH must be a number of seconds, not \`$epoch\`"

folder=$name-$version-$target
# Another folder of this clone, where release.sh puts a release together.
release=${MC_RELEASE_FOLDER:-target/dist/release}
mkdir -p "$release"
work=$(mktemp -d "$release/.archive.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

put() { # mode, folder inside the archive, files
    local mode=$1 into=$work/$folder/$2 file
    shift 2
    for file in "$@"; do
        [ -f "$file" ] || die 66 "$file is not there, and belongs into the archive"
        install -D -m "$mode" "$file" "$into/$(basename "$file")"
    done
}
shopt -s nullglob
put 755 . "$program"
put 644 . LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md packaging/notices/"$name"/THIRD-PARTY.txt "$config" packaging/systemd/"$name".service
[ "$1" = bridge ] || put 644 . packaging/systemd/"$name".socket
put 644 man packaging/man/"$name".1 packaging/man/"$name"-*.1
put 644 completions/bash packaging/completions/bash/"$name"
put 644 completions/zsh packaging/completions/zsh/_"$name"
put 644 completions/fish packaging/completions/fish/"$name".fish

tar --directory "$work" --create --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@$epoch" "$folder" | gzip -n -9 >"$work/archive"
mv "$work/archive" "$release/$folder.tar.gz"
echo "$release/$folder.tar.gz"
