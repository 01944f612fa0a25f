//! Notes which commit is built, for `version` and the metrics of both programs.

use std::path::Path;
use std::process::Command;

/// Sets `MC_COMMIT` for the code. The environment has the first word, for a build outside a
/// repository or of more than its commit; else it is the short hash, or `unknown`.
pub(crate) fn name_commit(folder: &Path) {
    println!("cargo::rerun-if-env-changed=MC_COMMIT");
    if let Ok(given) = std::env::var("MC_COMMIT")
        && !given.is_empty()
    {
        println!("cargo::rustc-env=MC_COMMIT={given}");
        return;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(folder).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // So many that a clone, whatever it holds, makes the same of it.
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    println!("cargo::rustc-env=MC_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    // `HEAD` changes with the branch, its log with every commit.
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name]).map(|path| folder.join(path))
            && path.exists()
        {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
}
