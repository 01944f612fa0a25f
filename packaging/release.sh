#!/usr/bin/env bash
# Makes everything that one release publishes, in target/dist/release/TAG/: archives, Debian packages, bill of
# materials, Homebrew formula, SHA256SUMS of all of them, and NOTES.md, what the forge shows with them.
#
#   packaging/release.sh COMPONENT [VERSION]
#
#   COMPONENT  server | bridge
#   VERSION    what is meant to be released; refused when the sources say another
#
# The tag is COMPONENT-vVERSION; version in Cargo.toml, section of CHANGELOG.md and tag, if there is one, must
# agree, and nothing may lie in the clone that is not committed. Programs that stand in target/dist/TARGET/ and
# are of this commit are taken as they are; the others are built. The same commit gives the same bytes.
#
# MC_RELEASE_TARGETS  only these targets, for a trial; such a folder is not to be published
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1

usage="usage: packaging/release.sh server|bridge [VERSION]"
# shellcheck source=packaging/arguments.sh
. packaging/arguments.sh
say() { printf '%s\n' "$*"; }

[ $# = 1 ] || [ $# = 2 ] || die 64 "$usage"
take_component "$1"
needs cargo git gzip python3 sha256sum tar
command -v cargo-deb >/dev/null || die 69 "\`cargo-deb\` is missing: cargo install --locked cargo-deb"
python3 -c 'import tomllib' 2>/dev/null || die 69 "\`python3\` is older than 3.11: install a newer one"

# ------------------------------------------------------------------------------ what is released is what is meant

commit=$(git rev-parse -q --verify HEAD) || die 66 "this is no git clone: release from a clone"
dirt=$(git status --porcelain | head -n 1)
[ -z "$dirt" ] || die 65 "the clone is not clean (\`${dirt# }\`): commit that, or take it away"
told=$(cargo tree --locked --quiet --package $name --depth 0 --format '{p}' 2>&1) ||
    die 65 "cargo cannot read the sources; if Cargo.lock is not that of the Cargo.toml files, run cargo check and commit it ($(head -n 1 <<<"$told"))"
[[ $told =~ ^$name\ v([^ ]+) ]] || die 70 "cargo does not tell the version of $name: $told"
of_sources=${BASH_REMATCH[1]}
take_version "${2:-$of_sources}"
[ "$version" = "$of_sources" ] ||
    die 65 "the sources say $name $of_sources, not $version: set the version in Cargo.toml, or release $of_sources"
tag=$component-v$version
if tagged=$(git rev-parse -q --verify "refs/tags/$tag^{commit}"); then
    [ "$tagged" = "$commit" ] ||
        die 65 "the tag $tag is on another commit (${tagged:0:12}): check that out, or raise the version"
fi
notes=$(packaging/changelog.sh "$component" "$version" 2>&1) || die 65 "${notes#changelog.sh: }"

free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1024) }')
[ "$free" -ge "${MC_RELEASE_ROOM:-500}" ] || die 74 "only $free MB are free here, ${MC_RELEASE_ROOM:-500} are needed: make room"

read -r -a chosen <<<"${MC_RELEASE_TARGETS:-${targets[*]}}"
for each in "${chosen[@]:-}"; do take_target "$each"; done
unset SOURCE_DATE_EPOCH
take_time

# ----------------------------------------------------------------------------------------------------- programs

# What a program says of itself, whatever processor it is for; nothing when it cannot run here.
told() { # target
    local program=target/dist/$1/$name run=()
    [ -x "$program" ] || return 0
    case $1,$(uname -m) in
    x86_64-*,x86_64 | aarch64-*,aarch64) ;;
    x86_64-*) run=(qemu-x86_64-static) ;;
    aarch64-*) run=(qemu-aarch64-static) ;;
    armv7-*) run=(qemu-arm-static) ;;
    esac
    "${run[@]}" "$program" version --json 2>/dev/null || true
}
is_current() { # target
    told "$1" | python3 -c '
import json, sys
text = sys.stdin.read()
told = json.loads(text) if text else {}
sys.exit((told.get("commit"), told.get("version")) != tuple(sys.argv[1:]))' "${commit:0:12}" "$version"
}
for target in "${chosen[@]}"; do
    if is_current "$target"; then
        say "$target: the program is of this commit"
    else
        packaging/build.sh "$target" "$component" || die 70 "the build for $target failed: see above"
        is_current "$target" ||
            die 70 "what was built for $target does not say that it is $version of ${commit:0:12} (for ARM, qemu-user-static must be installed)"
    fi
done

# ------------------------------------------------------------------------------------------------------- files

unset MC_RELEASE_FOLDER
take_workplace
fresh=${work#"$PWD"/}/$tag
# Elsewhere, so that a full disk can be told of.
why=$(mktemp) || die 74 "no temporary file can be made: make room"
trap 'rm -rf "$work" "$why"' EXIT
mkdir "$fresh"
export MC_RELEASE_FOLDER=$fresh
make() { # what, command
    local what=$1
    shift
    "$@" >/dev/null 2>"$why" || die 70 "the $what could not be made: $(tail -n 1 "$why")"
}
for target in "${chosen[@]}"; do
    make "archive for $target" packaging/archive.sh "$component" "$target"
    make "Debian package for $target" packaging/deb.sh "$component" "$target"
done
packaging/sbom.py "$component" "$commit" >"$fresh/$name-$version.cdx.json" 2>"$why" ||
    die 70 "the bill of materials could not be made: $(tail -n 1 "$why")"
sums() { (cd "$fresh" && find . -type f ! -name SHA256SUMS ! -name NOTES.md -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum); }
sums >"$fresh/SHA256SUMS" || die 74 "the sums cannot be written: is the disk full?"
# The formula names the archives of both processors that Homebrew knows, and their sums.
if [[ " ${chosen[*]} " == *" ${targets[0]} "* && " ${chosen[*]} " == *" ${targets[1]} "* ]]; then
    make "Homebrew formula" packaging/homebrew.sh "$component" "$fresh"
fi
goes_with() { # what the program tells
    python3 -c '
import json, sys
told = json.load(sys.stdin)
other, range = ("bridges", told["clients"]) if "clients" in told else ("servers", told["servers"])
api, commit = told["api_version"], told["commit"]
print(f"Speaks API {api} and works with {other} of API {range}. Built from {commit}.")'
}
{
    printf '%s\n\n' "$notes"
    told "${chosen[0]}" | goes_with || die 70 "the program does not tell what it goes with"
} >"$fresh/NOTES.md"
sums >"$fresh/SHA256SUMS" || die 74 "the sums cannot be written: is the disk full?"

# One rename puts it there, and nobody may cut in; an earlier one of the same tag goes aside first.
trap '' INT TERM
[ ! -e "$release/$tag" ] || mv "$release/$tag" "$work/former"
mv "$fresh" "$release/$tag"
say "$release/$tag:"
sed 's/^/  /' "$release/$tag/SHA256SUMS"
[ "${chosen[*]}" = "${targets[*]}" ] || say "A trial: ${#chosen[@]} of ${#targets[@]} targets."
