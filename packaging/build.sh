#!/usr/bin/env bash
# Builds the static programs of one target, as they are released, into target/dist/TARGET/, and beside them, in
# share/NAME/, what is packed with each: its manual, its completions, and the notices of what is inside it.
#
#   packaging/build.sh TARGET [server|bridge]            both without a component
#   packaging/build.sh TARGET server --features postgres the server with PostgreSQL, into target/dist/TARGET/postgres/
#
# TARGET: x86_64-unknown-linux-musl | aarch64-unknown-linux-musl | armv7-unknown-linux-musleabihf
#
# `packaging/setup-toolchain.sh TARGET` installs what it needs. The same commit gives the same bytes with
# the same compiler, wherever the clone stands: paths and times are taken out.
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: packaging/build.sh TARGET [server|bridge] [--features FEATURES]"
# shellcheck source=packaging/arguments.sh
. packaging/arguments.sh
features='' words=()
while [ $# -gt 0 ]; do
    case $1 in
    --features)
        features=${2:-}
        [ -n "$features" ] || die 64 "--features needs a value; $usage"
        shift
        ;;
    -h | --help)
        sed -n '2,11s/^# \{0,1\}//p' packaging/build.sh
        exit 0
        ;;
    -*) die 64 "unknown option $1; $usage" ;;
    *) words+=("$1") ;;
    esac
    shift
done
[ ${#words[@]} -le 2 ] || die 64 "too many arguments; $usage"
[ ${#words[@]} -gt 0 ] || die 64 "no target; $usage"
take_target "${words[0]}"
if [ ${#words[@]} = 2 ]; then
    take_component "${words[1]}"
    packages=("$name")
else
    component=both packages=(mission-control mc-bridge)
fi
[ -z "$features" ] || [ "$component" = server ] || die 64 "features are the server's: name the component server"

# What setup-toolchain.sh made: zig and cargo-zigbuild, and where rustup could not add the target,
# Debian's compiler with a std built for it.
tools=${STATIC_TOOLS:-$HOME/.cache/static-tools}
here=$PWD
has_std() { ls "$("$1" --print target-libdir --target "$target" 2>/dev/null)"/libstd-*.rlib >/dev/null 2>&1; }
mend="run packaging/setup-toolchain.sh $target"
[ -x "$tools/bin/cargo-zigbuild" ] || command -v cargo-zigbuild >/dev/null || die 69 "cargo-zigbuild is missing: $mend"
if command -v rustc >/dev/null && has_std rustc; then
    export PATH="$tools/bin:$PATH"
elif [ -f "/usr/lib/rustlib/$target/lib/.built-for" ] && has_std /usr/bin/rustc; then
    export PATH="$tools/bin:/usr/bin:/bin:$PATH"
    unset RUSTC CARGO RUSTUP_TOOLCHAIN
else
    die 69 "no Rust standard library for $target: $mend"
fi
needs cargo git file python3
command -v npm >/dev/null || die 69 "\`npm\` is missing: install Node.js 20 or newer"
# The compilers' flags are split at blanks.
[[ $here != *[[:space:]]* ]] || die 65 "the path of this clone has a blank in it ($here): build in another place"
# Both programs with what is built on the way; a full disk in the middle costs minutes and says little.
free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1024) }')
[ "$free" -ge 3000 ] || die 74 "only $free MB are free in $here: a build needs 3000"

MC_COMMIT=$(git rev-parse --short=12 HEAD) || die 66 "this is no git clone, so the commit is unknown: build in a clone"
[ -z "$(git status --porcelain --untracked-files=no)" ] || MC_COMMIT+=-dirty
export MC_COMMIT
unset MC_SKIP_UI RUSTC_WRAPPER CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
# Where the sources stand is nobody's business, and would differ from one machine to the next.
export CARGO_TARGET_DIR=$here/target CARGO_INCREMENTAL=0
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export RUSTFLAGS="--remap-path-prefix=$here=. --remap-path-prefix=$cargo_home/registry/src=registry"
export CFLAGS="-ffile-prefix-map=$here=. -ffile-prefix-map=$cargo_home/registry/src=registry"
# The server's allocator asks the kernel for small pages alone: huge ones make an idle server weigh 44 MiB instead of 21.
CFLAGS+=" -DMI_DEFAULT_ALLOW_THP=0"
# It also notes when it was compiled, and zig keeps what it once compiled.
CFLAGS+=' -Wno-builtin-macro-redefined -D__DATE__="-" -D__TIME__="-"'

# SQLite without what nothing here asks of it: a fifth of a megabyte in each program, and no extensions to load.
export LIBSQLITE3_FLAGS='-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE -USQLITE_ENABLE_LOAD_EXTENSION -DSQLITE_OMIT_LOAD_EXTENSION'

# Each by itself: built together, what both use is built with what either needs, and the bytes would differ
# from those of one that is built alone.
for package in "${packages[@]}"; do
    cargo zigbuild --locked --profile dist --target "$target" --bins -p "$package" ${features:+--features "$features"} ||
        die 70 "the build of $package failed; what is above says why"
done

out=target/dist/$target${features:+/$features}
fresh=$(mktemp -d target/dist.XXXXXX)
trap 'rm -rf "$fresh"' EXIT
for program in "${packages[@]}"; do
    cp "target/$target/dist/$program" "$fresh/" || die 74 "cannot copy $program: is the disk full?"
    chmod 755 "$fresh/$program"
    kind=$(file -b "$fresh/$program")
    [[ $kind == ELF*'statically linked'* || $kind == ELF*static-pie* ]] || die 70 "$program is not static: $kind"
    ! grep -qaF mc-placeholder "$fresh/$program" ||
        die 70 "$program has no web interface inside: run touch build.rs and build again"
done
for program in "${packages[@]}"; do
    share=$fresh/share/$program
    mkdir -p "$share"
    case $program in mission-control) of=server ;; mc-bridge) of=bridge ;; esac
    packaging/notices.py "$of" "${features// /,}" >"$share/THIRD-PARTY.txt" || die 70 "the notices of $program could not be made: see above"
    # For this machine, whatever the target; MC_PAGES is one that is built already.
    if [ -n "${MC_PAGES:-}" ]; then
        "$MC_PAGES" "$of" "$share"
    else
        env -u RUSTFLAGS -u CFLAGS -u LIBSQLITE3_FLAGS MC_SKIP_UI=1 \
            cargo run --locked --quiet -p mission-control-pages -- "$of" "$share"
    fi || die 70 "manual and completions of $program could not be made: see above"
done
mkdir -p "$out/share"
for program in "${packages[@]}"; do
    rm -rf "$out/share/$program"
    mv "$fresh/share/$program" "$out/share/$program"
    mv "$fresh/$program" "$out/$program"
    printf '%s: %s bytes, static\n' "$out/$program" "$(stat -c %s "$out/$program")"
done
