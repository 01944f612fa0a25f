//! The data directory: for the server's user alone, and what stands against using it is said with its
//! mend.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use crate::support::{Install, PASSWORD, mode};

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// An install with a database that no server uses.
fn migrated() -> Install {
    let install = Install::new();
    install.run(&["migrate"]).succeeds();
    install
}

/// The files of the data directory that somebody else can read or write.
fn open_to_others(install: &Install) -> Vec<String> {
    let files = std::fs::read_dir(install.dir()).unwrap().map(|entry| entry.unwrap().path());
    let open = files.filter(|file| mode(file) & 0o077 != 0);
    open.map(|file| format!("{} {:03o}", file.display(), mode(&file))).collect()
}

#[tokio::test]
async fn everything_in_it_is_for_its_user_alone_whatever_the_directory_and_the_umask_allow() {
    let install = Install::new();
    std::fs::create_dir(install.dir()).unwrap();
    set_mode(&install.dir(), 0o777);
    let server = install.serve_without_umask();
    server
        .says(&format!(
            "others may write in the data directory (mode 777): run `chmod 700 {}`",
            install.dir().display()
        ))
        .await;
    install.tenant(&server, "acme").await;
    for made in
        ["mission-control.db", "mission-control.db-wal", "mission-control.db-shm", "jwt-secret", "lock"]
    {
        assert!(install.dir().join(made).exists(), "{made}");
    }
    assert_eq!(open_to_others(&install), [""; 0]);
    server.stop().await;

    // Where others may only look, nothing is wrong.
    set_mode(&install.dir(), 0o755);
    let server = install.serve_without_umask();
    assert!(!server.log().contains("others may write"), "{}", server.log());
    assert_eq!(open_to_others(&install), [""; 0]);
}

#[tokio::test]
async fn the_setup_token_goes_when_a_database_that_is_set_up_is_restored() {
    let old = Install::new();
    let server = old.serve();
    old.tenant(&server, "acme").await;
    server.stop().await;

    let fresh = Install::new();
    fresh.serve().stop().await;
    let token = fresh.dir().join("setup-token");
    assert!(token.exists());
    std::fs::copy(old.database(), fresh.database()).unwrap();
    let server = fresh.serve();
    assert!(!token.exists());
    let login = serde_json::json!({"email": "admin@acme.example", "password": PASSWORD});
    server.anonymous().post("/api/v1/auth/login", login).await.expect_status(200);
}

/// Who the tests run as, when that is root: only root can give files away.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn files_that_root_restored_are_named_with_what_to_do() {
    if !is_root() {
        return;
    }
    let install = migrated();
    let (dir, database) = (install.dir(), install.database());
    let secret = dir.join("jwt-secret");
    chown(&dir, Some(65_534), Some(65_534)).unwrap();
    chown(dir.join("lock"), Some(65_534), Some(65_534)).unwrap();
    let mend = format!(
        "if `nobody` runs the server, give it all of the directory (`sudo chown -R nobody {}`)",
        dir.display()
    );
    for (file, modes) in [(&secret, [0o600, 0o000]), (&database, [0o600, 0o444])] {
        for denied in modes {
            set_mode(file, denied);
            for command in ["serve", "migrate"] {
                let ran = install.run_as_nobody(&[command]);
                let ran =
                    ran.fails(77, &format!("{} belongs to `root` and is not for `nobody`", file.display()));
                assert!(ran.err.contains(&mend), "{}", ran.err);
            }
        }
        chown(file, Some(65_534), Some(65_534)).unwrap();
        set_mode(file, 0o600);
    }
    // SQLite removes these when its last connection closes; a process that exits first leaves them.
    for end in ["-wal", "-shm"] {
        let beside = dir.join(format!("mission-control.db{end}"));
        if beside.exists() {
            chown(beside, Some(65_534), Some(65_534)).unwrap();
        }
    }
    let files = dir.join("files");
    let ran = install.run_as_nobody(&["serve"]);
    let ran = ran.fails(77, &format!("{} belongs to `root` and is not for `nobody`", files.display()));
    assert!(ran.err.contains("sudo chown -R nobody"), "{}", ran.err);
    for folder in [&files, &files.join("incoming")] {
        chown(folder, Some(65_534), Some(65_534)).unwrap();
    }
    install.run_as_nobody(&["org", "list"]).succeeds();

    // Its own, but read-only.
    set_mode(&database, 0o400);
    let ran = install.run_as_nobody(&["serve"]);
    ran.fails(
        77,
        &format!(
            "is not for its own user to use (Permission denied (os error 13)): run `chmod u+rw {}`",
            database.display()
        ),
    );
    set_mode(&database, 0o600);

    // The directory itself was made by root.
    std::fs::remove_file(dir.join("lock")).unwrap();
    chown(&dir, Some(0), Some(0)).unwrap();
    set_mode(&dir, 0o755);
    let ran = install.run_as_nobody(&["serve"]);
    let ran = ran.fails(77, &format!("{} belongs to `root` and is not for `nobody`", dir.display()));
    assert!(ran.err.contains(&mend), "{}", ran.err);
}

#[test]
fn a_directory_that_cannot_be_made_is_named_with_what_to_do() {
    let install = Install::new();
    let closed = install.beside("closed");
    std::fs::create_dir(&closed).unwrap();
    set_mode(&closed, 0o555);
    let below = closed.join("data");
    let install = install.with("MC_DATA_DIR", &below);
    let ran = install.run_as_nobody(&["serve"]);
    let ran =
        ran.fails(77, &format!("the data directory {} cannot be made: make it as root", below.display()));
    assert!(ran.err.contains("or choose another with `dir` in `[data]` (MC_DATA_DIR)"), "{}", ran.err);
}
