#!/usr/bin/env bash
# Installs what packaging/build.sh needs to build static (musl) programs for these targets.
#
#   packaging/setup-toolchain.sh [TARGET...]     without a target: all three
#
# Where rustup can add the targets it does, and no root is needed. Where it cannot download them, on
# Debian as root, std is built from Debian's sources of its own compiler. Run again at will: what is
# there is kept.
set -euo pipefail

usage="usage: packaging/setup-toolchain.sh [TARGET...]"
# shellcheck source=packaging/arguments.sh
. "$(dirname "$0")/arguments.sh"
# zig brings musl with its allocator, so its version is part of what is measured: packaging/README.md.
zig_version=${ZIG_VERSION:-0.17.1} zigbuild_version=${ZIGBUILD_VERSION:-0.24.0}
tools=${STATIC_TOOLS:-$HOME/.cache/static-tools}
chosen=("$@")
[ $# -gt 0 ] || chosen=("${targets[@]}")
for each in "${chosen[@]}"; do take_target "$each"; done
unset RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS RUSTUP_TOOLCHAIN
packages() { # Debian packages that are not there yet
    local package need=()
    for package; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || need+=("$package")
    done
    [ ${#need[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die 77 "missing packages: run apt-get install ${need[*]} as root, then this again"
    apt-get -o DPkg::Lock::Timeout=300 update -qq
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        install -y -qq --no-install-recommends "${need[@]}" >/dev/null ||
        die 69 "apt-get could not install ${need[*]}: its lines above say why"
}
is_debian() { command -v apt-get >/dev/null && [ "$(dpkg --print-architecture)" = amd64 ]; }

# 1. A standard library for each target: from rustup, or to be built.
to_build=()
for target in "${chosen[@]}"; do
    if command -v rustup >/dev/null && timeout 300 rustup target add "$target" >/dev/null 2>&1; then
        echo "std for $target: by rustup"
    else
        to_build+=("$target")
    fi
done
if [ ${#to_build[@]} -gt 0 ] && ! is_debian; then
    die 69 "rustup cannot add ${to_build[*]}, and std is built from source only on Debian for x86_64: check the network"
fi

# 2. Programs: a C library and linker for every target (zig), the cargo command that drives it, and what
#    runs ARM programs here.
if is_debian; then
    packages file python3-venv ca-certificates
    [[ ${chosen[*]} == "${targets[0]}" ]] || packages qemu-user-static
    [ ${#to_build[@]} -eq 0 ] || packages rustc-web cargo-web libstd-rust-web-dev rust-web-src
fi
# Without its own pip a venv has failed half-way, and is made anew.
[ -x "$tools/bin/pip" ] || { rm -rf "$tools" && python3 -m venv "$tools"; } || die 69 "python3 cannot make a venv in $tools"
"$tools/bin/pip" install -q --disable-pip-version-check "ziglang==$zig_version" "cargo-zigbuild==$zigbuild_version" ||
    die 69 "pip could not install zig $zig_version and cargo-zigbuild $zigbuild_version: its lines above say why"

# 3. std from source: compiled once, laid where Debian's compiler looks for it. From then on the target
#    works as if rustup had added it, with no unstable option in our own build.
if [ ${#to_build[@]} -gt 0 ]; then
    export PATH="/usr/bin:/bin" # not rustup's proxies
    sysroot=$(rustc --print sysroot)
    version="$(rustc -vV | sed -n 's/^commit-hash: //p') $(dpkg-query -W -f='${Version}' rustc-web)"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/src"
    : >"$work/src/lib.rs"
    printf '%s\n' '[package]' 'name = "mkstd"' 'version = "0.0.0"' 'edition = "2021"' '[workspace]' \
        '[profile.release]' 'opt-level = 3' 'codegen-units = 1' 'debug = 0' >"$work/Cargo.toml"
fi
for target in "${to_build[@]}"; do
    lib="$sysroot/lib/rustlib/$target/lib"
    if [ "$(cat "$lib/.built-for" 2>/dev/null)" = "$version" ]; then
        echo "std for $target: already there"
        continue
    fi
    [ "$(id -u)" = 0 ] || die 77 "std for $target goes into $lib: run this as root"
    echo "std for $target: building, one to two minutes"
    (cd "$work" &&
        env -u CARGO_TARGET_DIR RUSTC_BOOTSTRAP=1 \
            RUSTFLAGS="-Cembed-bitcode=yes -Cforce-unwind-tables=yes" \
            cargo build -q --release --target "$target" -Zbuild-std=std,panic_unwind,panic_abort) ||
        die 70 "std for $target could not be built: the lines above say why"
    rm -rf "$lib"
    mkdir -p "$lib/self-contained"
    cp "$work/target/$target/release/deps/"lib*.rlib "$lib/"
    rm -f "$lib"/libmkstd-*
    # rustc names these start files when it links for musl; cargo-zigbuild drops them by path and zig
    # brings its own, so empty ones are enough.
    for start in crt1 rcrt1 Scrt1 crti crtn crtbegin crtbeginS crtend crtendS; do
        : >"$lib/self-contained/$start.o"
    done
    echo "$version" >"$lib/.built-for"
done
echo "ready: ${chosen[*]} (tools in $tools)"
