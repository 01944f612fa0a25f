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

usage="usage: packaging/archive.sh server|bridge TARGET"
# shellcheck source=packaging/arguments.sh
. packaging/arguments.sh
[ $# = 2 ] || die 64 "$usage"
take_component "$1"
take_target "$2"
case $component in
server) config=packaging/mission-control.toml ;;
bridge) config=packaging/comms-bridge.yaml ;;
esac
needs cargo tar gzip od install
tar --version 2>/dev/null | grep -q 'GNU tar' || die 69 "GNU tar is needed: install it as \`tar\`"

take_program
take_source_version
take_time
folder=$name-$version-$target
take_workplace

put() { # mode, folder inside the archive, files
    local mode=$1 into=$work/$folder/$2 file
    shift 2
    for file in "$@"; do
        [ -f "$file" ] || die 66 "$file is not there, and belongs into the archive"
        install -D -m "$mode" "$file" "$into/$(basename "$file")"
    done
}
put 755 . "$program"
put 644 . LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md "$share/THIRD-PARTY.txt" packaging/systemd/"$name".service
[ "$component" = bridge ] || put 644 . packaging/systemd/"$name".socket
# Not beside the program, which would read it there instead of having its data at home.
put 644 etc "$config"
put 644 man "$share/man/$name.1"
put 644 completions/bash "$share/completions/bash/$name"
put 644 completions/zsh "$share/completions/zsh/_$name"
put 644 completions/fish "$share/completions/fish/$name.fish"

tar --directory "$work" --create --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@$SOURCE_DATE_EPOCH" "$folder" | gzip -n -9 >"$work/archive"
mv "$work/archive" "$release/$folder.tar.gz"
echo "$release/$folder.tar.gz"
