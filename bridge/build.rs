//! Notes the commit that is built.

#[path = "../packaging/commit.rs"]
mod commit;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../packaging/commit.rs");
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    commit::name_commit(folder.as_ref());
}
