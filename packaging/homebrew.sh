#!/usr/bin/env bash
# Fills in the Homebrew formula of a release: where its archives are, and their checksums.
#
#   packaging/homebrew.sh COMPONENT FOLDER
#
#   COMPONENT  server | bridge
#   FOLDER     a release with its SHA256SUMS (packaging/release.sh makes it); the formula is laid down in it
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: packaging/homebrew.sh server|bridge FOLDER"
# shellcheck source=packaging/arguments.sh
. packaging/arguments.sh
[ $# = 2 ] || die 64 "$usage"
take_component "$1"
folder=$2
[ -f "$folder/SHA256SUMS" ] || die 66 "$folder/SHA256SUMS is not there: make the release with packaging/release.sh"
commit=$(git rev-parse HEAD 2>/dev/null) || die 65 "this is no git checkout: the formula names the commit of the release"
archives=$(sed -n "s/^[0-9a-f]\{64\}  \($name-.*-unknown-linux-.*\.tar\.gz\)\$/\1/p" "$folder/SHA256SUMS")
x86_64=$(grep -x "$name-.*-x86_64-unknown-linux-musl.tar.gz" <<<"$archives") || die 65 "$folder/SHA256SUMS names no archive of $name for x86_64"
version=${x86_64#"$name"-}
version=${version%-x86_64-unknown-linux-musl.tar.gz}
aarch64=$name-$version-aarch64-unknown-linux-musl.tar.gz
grep -qx "$aarch64" <<<"$archives" || die 65 "$folder/SHA256SUMS names no $aarch64"
sum() { sed -n "s/^\([0-9a-f]\{64\}\)  $1\$/\1/p" "$folder/SHA256SUMS"; }
from=https://github.com/mission-control/mission-control/releases/download/$component-v$version

made=$(mktemp "$folder/.formula.XXXXXX")
trap 'rm -f "$made"' EXIT
sed -e "s|@VERSION@|$version|g" -e "s|@COMMIT@|$commit|g" \
    -e "s|@URL_X86_64@|$from/$x86_64|" -e "s|@SHA256_X86_64@|$(sum "$x86_64")|" \
    -e "s|@URL_AARCH64@|$from/$aarch64|" -e "s|@SHA256_AARCH64@|$(sum "$aarch64")|" \
    "packaging/homebrew/$name.rb.in" >"$made"
chmod 644 "$made"
mv "$made" "$folder/$name.rb"
echo "$folder/$name.rb"
