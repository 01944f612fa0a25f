#!/usr/bin/env bash
# Brings a released version to a host: downloads the archive for it, checks it, and replaces what runs there.
#
#   packaging/deploy.sh COMPONENT VERSION HOST [--ready URL]
#
#   COMPONENT  server | bridge
#   HOST       as ssh takes it: a name of ~/.ssh/config, or user@host; root, or who may `sudo` without a password
#   --ready    what must answer 200 on the host before it counts as up, such as http://127.0.0.1:8420/ready
#
# When the new version does not come up, the former one runs again; see packaging/activate.sh.
# Streams end and come back with the restart; clients go on after the last event that they have seen.
#
# MC_RELEASE_URL  another place with the files of releases, or a folder with them (file:///…)
# MC_SSH_OPTIONS  more options for ssh, such as `-p 2222`; split at blanks
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: packaging/deploy.sh server|bridge VERSION HOST [--ready URL]"
# shellcheck source=packaging/arguments.sh
. packaging/arguments.sh
case $#,${4:-} in
3, | 5,--ready) [ $# = 3 ] || [ -n "$5" ] || die 64 "--ready needs an address; $usage" ;;
*) die 64 "$usage" ;;
esac
take_component "$1"
take_version "$2"
host=$3 ready=("${@:4}")
[[ $host != -* && $host =~ ^[A-Za-z0-9@._:-]+$ ]] || die 64 "\`$host\` is no host; $usage"
# They become words of a command there.
address='^[]A-Za-z0-9:/._?=&%[-]*$'
[[ ${ready[1]:-} =~ $address ]] || die 64 "\`${ready[1]}\` is no address; $usage"
needs ssh curl sha256sum
read -r -a options <<<"${MC_SSH_OPTIONS:-}"
there() { ssh -o BatchMode=yes "${options[@]}" "$host" "$@"; }

machine=$(there uname -m) || die 69 "$host cannot be reached by ssh: see above"
case $machine in
x86_64) target=x86_64-unknown-linux-musl ;;
aarch64) target=aarch64-unknown-linux-musl ;;
armv7l) target=armv7-unknown-linux-musleabihf ;;
*) die 69 "there is no release for the machine of $host ($machine)" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=$name-$version-$target.tar.gz
from=${MC_RELEASE_URL:-https://github.com/mission-control/mission-control/releases/download}/$component-v$version
for file in SHA256SUMS "$archive"; do
    curl -fsSL --retry 3 -o "$work/$file" "$from/$file" || die 69 "$from/$file cannot be had: is $component-v$version released?"
done
sum=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$archive\$/\1/p" "$work/SHA256SUMS")
[ -n "$sum" ] || die 65 "$from/SHA256SUMS says nothing of $archive"
sha256sum --status -c - <<<"$sum  $work/$archive" || die 65 "$archive has not the SHA-256 of its release: nothing was deployed; try again"

folder=$(there mktemp -d) || die 69 "no folder can be made on $host"
cleanup() { there "rm -rf '$folder'" || true; }
trap 'cleanup; rm -rf "$work"' EXIT
there "cat >'$folder/$archive'" <"$work/$archive" || die 69 "$archive cannot be copied to $host: is there room?"
there "cat >'$folder/activate.sh'" <packaging/activate.sh || die 69 "activate.sh cannot be copied to $host: is there room?"
sudo=''
[ "$(there id -u)" = 0 ] || sudo='sudo -n '
there "${sudo}sh '$folder/activate.sh' $component '$folder/$archive' $sum ${ready[*]@Q}"
