#!/usr/bin/env bash
# Packs one program for Debian and its relatives: the same bytes for the same commit.
#
#   packaging/deb.sh COMPONENT TARGET [VERSION]
#
#   COMPONENT  server | bridge
#   TARGET     x86_64-unknown-linux-musl | aarch64-unknown-linux-musl | armv7-unknown-linux-musleabihf
#   VERSION    of the package, such as 0.1.0-2; that of the program with revision 1 when left out
#
# Takes the program from target/dist/TARGET/ (packaging/build.sh puts it there), lays
# target/dist/release/NAME_VERSION_ARCHITECTURE.deb down (with `-` for `~`) and prints its path. Times are those of
# the commit, or SOURCE_DATE_EPOCH. What is in the package stands in Cargo.toml of the program, scripts and unit in packaging/.
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: packaging/deb.sh server|bridge TARGET [VERSION]"
# shellcheck source=packaging/arguments.sh
. packaging/arguments.sh
[ $# = 2 ] || [ $# = 3 ] || die 64 "$usage"
take_component "$1"
take_target "$2"
needs cargo git gzip od
cargo deb --version >/dev/null 2>&1 || die 69 "\`cargo deb\` is missing: cargo install --locked cargo-deb"

take_program
if [ -n "${3:-}" ]; then
    version=$3
else
    take_source_version
    # For dpkg a pre-release comes before its release when it is parted by `~`.
    version=${version/-/\~}-1
fi
[[ $version =~ ^[0-9][A-Za-z0-9.+~]*-[A-Za-z0-9.+~]+$ ]] ||
    die 64 "\`$version\` is no version of a Debian package: write it as 0.1.0-1"
take_time
take_workplace

# What cargo-deb takes for a finished build, beside the checkout's own.
built=$work/target/$target/release
mkdir -p "$built"
cp "$program" "$built/$name"
cp -r "$share" "$built/share"
# Debian has manuals compressed; what lies in `target`, cargo-deb takes as it is.
gzip -n -9 "$built/share/man/$name.1"
maintainer=$(sed -n 's/^maintainer = "\(.*\)"$/\1/p' Cargo.toml)
{
    printf '%s (%s) stable; urgency=medium\n\n' "$name" "$version"
    printf '  * What changed: see the notes of the release %s-v%s.\n\n' "$component" "$(tr "~" - <<<"${version%-*}")"
    printf ' -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -n -9 >"$built/changelog.gz"

# Modes are those that are written down, whatever those of this checkout.
umask 022
CARGO_TARGET_DIR=$work/target cargo deb --quiet --offline --package "$name" --target "$target" --no-build --no-strip \
    --deb-version "$version" --output "$work/package.deb" >"$work/log" 2>&1 ||
    die 70 "cargo deb does not pack it: $(tr '\n' ' ' <"$work/log")"
# The forge makes something else of a `~` in the name of a file.
file=$release/${name}_${version//\~/-}_$architecture.deb
mv "$work/package.deb" "$file"
echo "$file"
