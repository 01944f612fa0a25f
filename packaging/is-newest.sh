#!/usr/bin/env bash
# Whether a version is the newest of its component, so that `latest` may move to it: a mended older line must not take
# it back, and a pre-release is nobody's newest. Ends with 0 or 1; asks the tags of `origin`.
#
#   packaging/is-newest.sh COMPONENT VERSION
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: packaging/is-newest.sh server|bridge VERSION"
# shellcheck source=packaging/arguments.sh
. packaging/arguments.sh
[ $# = 2 ] || die 64 "$usage"
take_component "$1"
take_version "$2"
[[ $version != *-* ]] || exit 1
tags=$(git ls-remote --tags --refs origin "$component-v*") || die 69 "the tags of origin cannot be read: see above"
newest=$(grep -oP "refs/tags/$component-v\K[0-9.]+$" <<<"$tags" | sort -V | tail -n 1) || true
[ "$(printf '%s\n' "$newest" "$version" | sort -V | tail -n 1)" = "$version" ]
