#!/usr/bin/env bash
# Prints what CHANGELOG.md says of one release, without its heading: the notes of the release.
#
#   packaging/changelog.sh COMPONENT VERSION
#
#   COMPONENT  server | bridge
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: packaging/changelog.sh server|bridge VERSION"
# shellcheck source=packaging/arguments.sh
. packaging/arguments.sh
[ $# = 2 ] || die 64 "$usage"
take_component "$1"
take_version "$2"
[ -r CHANGELOG.md ] || die 66 "CHANGELOG.md is not there"

heading=$(grep -m1 -E "^## $component ${version//./\\.}( |$)" CHANGELOG.md) ||
    die 65 "CHANGELOG.md has no section \`## $component $version - DATE\`: write it first"
[[ $heading =~ ^"## $component $version - "[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] ||
    die 65 "the heading in CHANGELOG.md must be \`## $component $version - YYYY-MM-DD\`, not \`$heading\`"
# What is between two headings, without empty lines around it.
notes=$(awk -v heading="$heading" '$0 == heading { on = 1; next } /^## / { on = 0 } on' CHANGELOG.md | sed '/./,$!d')
grep -q '^- ' <<<"$notes" || die 65 "the section \`$heading\` of CHANGELOG.md says nothing: write what changed"
printf '%s\n' "$notes"
