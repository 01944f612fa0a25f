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
# target/dist/release/NAME_VERSION_ARCHITECTURE.deb down and prints its path. Times are those of the commit, or
# SOURCE_DATE_EPOCH. What is in the package stands in Cargo.toml of the program, scripts and unit in packaging/.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { # exit code, what is wrong and what to do
    echo "deb.sh: $2" >&2
    exit "$1"
}
usage() { die 64 "usage: packaging/deb.sh server|bridge TARGET [VERSION]"; }

[ $# = 2 ] || [ $# = 3 ] || usage
target=$2
case $1 in
server) name=mission-control ;;
bridge) name=mc-bridge ;;
*) usage ;;
esac
# The machine that an ELF file is for stands in its bytes 18 and 19.
case $target in
x86_64-unknown-linux-musl) architecture=amd64 machine=3e00 ;;
aarch64-unknown-linux-musl) architecture=arm64 machine=b700 ;;
armv7-unknown-linux-musleabihf) architecture=armhf machine=2800 ;;
*) die 64 "unknown target \`$target\`: see the list at the top of packaging/deb.sh" ;;
esac
for tool in cargo git gzip od; do
    command -v "$tool" >/dev/null || die 69 "\`$tool\` is missing: install it"
done
cargo deb --version >/dev/null 2>&1 || die 69 "\`cargo deb\` is missing: cargo install --locked cargo-deb"

program=target/dist/$target/$name
[ -f "$program" ] || die 66 "$program is not there: run packaging/build.sh $target $1 first"
[ "$(od -An -tx1 -j18 -N2 "$program" | tr -d ' ')" = "$machine" ] ||
    die 65 "$program is not a program for $target: build it again with packaging/build.sh"
version=${3:-}
if [ -z "$version" ]; then
    version=$(cargo pkgid --offline -p "$name") || die 65 "cargo cannot tell the version of $name: see above"
    version=${version##*[@#]}-1
fi
[[ $version =~ ^[0-9][A-Za-z0-9.+~]*-[A-Za-z0-9.+~]+$ ]] ||
    die 64 "\`$version\` is no version of a Debian package: write it as 0.1.0-1"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null)} ||
    die 65 "this is no git checkout: set SOURCE_DATE_EPOCH to the time of the release in seconds"
[[ $SOURCE_DATE_EPOCH =~ ^[0-9]+$ ]] ||
    die 65 "SOURCE_DATE_EPOCH must be a number of seconds, not \`$SOURCE_DATE_EPOCH\`"
export SOURCE_DATE_EPOCH

# Another folder of this clone, where release.sh puts a release together.
release=${MC_RELEASE_FOLDER:-target/dist/release}
mkdir -p "$release"
work=$(mktemp -d "$PWD/$release/.deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What cargo-deb takes for a finished build, beside the checkout's own.
built=$work/target/$target/release
mkdir -p "$built"
cp "$program" "$built/$name"
maintainer=$(sed -n 's/^maintainer = "\(.*\)"$/\1/p' Cargo.toml)
{
    printf '%s (%s) stable; urgency=medium\n\n' "$name" "$version"
    printf '  * What changed: see the notes of the release %s-v%s.\n\n' "$1" "${version%-*}"
    printf ' -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -n -9 >"$built/changelog.gz"

# Modes are those that are written down, whatever those of this checkout.
umask 022
CARGO_TARGET_DIR=$work/target cargo deb --quiet --offline --package "$name" --target "$target" --no-build --no-strip \
    --deb-version "$version" --output "$work/package.deb" >"$work/log" 2>&1 ||
    die 70 "cargo deb does not pack it: $(tr '\n' ' ' <"$work/log")"
file=$release/${name}_${version}_$architecture.deb
mv "$work/package.deb" "$file"
echo "$file"
