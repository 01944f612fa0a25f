//! Builds the web interface before the server embeds it, and notes the commit that is built.
//!
//! The interface is built into a folder of its own that takes the place of `dist` when it is
//! complete, one build at a time, so `dist` is whole at every moment and two cargo runs cannot spoil
//! each other's. Without Node.js a page that says how to build it stands in.

#[path = "packaging/commit.rs"]
mod commit;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::SystemTime;

/// What the interface is built from, inside its folder.
const SOURCES: [&str; 11] = [
    "src",
    "public",
    "build",
    "index.html",
    "docs.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
    "tsconfig.app.json",
    "tsconfig.node.json",
];

/// What tells the page that stands in from a real one.
const PLACEHOLDER_MARK: &str = "name=\"mc-placeholder\"";

const PLACEHOLDER: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="mc-placeholder" content="true">
    <title>Mission Control</title>
  </head>
  <body>
    <h1>Mission Control is running without its web interface</h1>
    <p>This build was made without Node.js. The API works; its document is at <a href="./api/v1/openapi.json">api/v1/openapi.json</a>.</p>
    <p>To build the interface, install Node.js 20.19 or newer with npm, then run <code>touch build.rs</code> and <code>cargo build --release</code> in the source folder.</p>
  </body>
</html>
"#;

fn main() -> ExitCode {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    commit::name_commit(&root);
    match (Interface { folder: root.join("assets/web") }).ensure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("cargo::error=the web interface could not be built");
            for line in problem.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The folder of the web interface.
struct Interface {
    folder: PathBuf,
}

impl Interface {
    /// Leaves a `dist` that is not older than its sources, or the page that stands in for it.
    fn ensure(&self) -> Result<(), String> {
        println!("cargo::rerun-if-changed=build.rs");
        println!("cargo::rerun-if-changed=packaging/commit.rs");
        println!("cargo::rerun-if-env-changed=MC_SKIP_UI");
        for source in self.sources() {
            println!("cargo::rerun-if-changed={}", source.display());
        }

        let lock = File::create(self.folder.join(".build.lock")).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        let _lock = lock.map_err(|cause| format!("cannot lock {}: {cause}", self.folder.display()))?;

        if !self.is_stale() {
            return Ok(());
        }
        let skip = std::env::var_os("MC_SKIP_UI").is_some_and(|value| value == "1");
        if skip || !npm_is_there() {
            return self.stand_in().map_err(|cause| format!("cannot write the page: {cause}"));
        }
        self.install()?;
        self.build()
    }

    fn dist(&self) -> PathBuf {
        self.folder.join("dist")
    }

    fn sources(&self) -> impl Iterator<Item = PathBuf> {
        SOURCES.iter().map(|name| self.folder.join(name)).filter(|path| path.exists())
    }

    /// Whether there is no built interface, or one that is older than its sources.
    fn is_stale(&self) -> bool {
        let index = self.dist().join("index.html");
        let Ok(page) = fs::read_to_string(&index) else { return true };
        let built = modified(&index);
        page.contains(PLACEHOLDER_MARK) || self.sources().any(|path| newest(&path) > built)
    }

    /// Writes the page that stands in, unless an interface was built before.
    fn stand_in(&self) -> io::Result<()> {
        let index = self.dist().join("index.html");
        if index.exists() {
            return Ok(());
        }
        fs::create_dir_all(self.dist())?;
        fs::write(index, PLACEHOLDER)
    }

    /// Installs what the build needs, when the lock file is newer than what is installed.
    fn install(&self) -> Result<(), String> {
        let installed = modified(&self.folder.join("node_modules/.package-lock.json"));
        if modified(&self.folder.join("package-lock.json")) <= installed {
            return Ok(());
        }
        self.npm(["ci"])
    }

    /// Builds beside `dist`, then puts the new one in its place.
    fn build(&self) -> Result<(), String> {
        let fresh = self.folder.join(format!("dist.tmp-{}", std::process::id()));
        let built = self.npm([
            OsStr::new("run"),
            OsStr::new("build"),
            OsStr::new("--"),
            OsStr::new("--outDir"),
            fresh.as_os_str(),
        ]);
        let placed = built.and_then(|()| {
            replace(&fresh, &self.dist()).map_err(|cause| format!("cannot replace dist: {cause}"))
        });
        if placed.is_err() {
            // What was begun is of no use; that it cannot be removed is no further problem.
            let _ = fs::remove_dir_all(&fresh);
        }
        placed
    }

    fn npm<Argument: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> Result<(), String> {
        let mut command = Command::new(npm());
        command.arg("--loglevel=error").args(arguments).current_dir(&self.folder);
        match command.output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(format!("`{}` failed:\n{}", shown(&command), text(&output))),
            Err(cause) => Err(format!("`{}` could not run: {cause}", shown(&command))),
        }
    }
}

fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

fn npm_is_there() -> bool {
    Command::new(npm()).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Puts `fresh` where `old` is; `old` is gone for the moment between two renames at most.
fn replace(fresh: &Path, old: &Path) -> io::Result<()> {
    let aside = old.with_extension(format!("old-{}", std::process::id()));
    if old.exists() {
        fs::rename(old, &aside)?;
    }
    fs::rename(fresh, old)?;
    if aside.exists() { fs::remove_dir_all(aside) } else { Ok(()) }
}

/// When a file was written; the beginning of time when there is none.
fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The newest change in a file or a folder; a folder itself changes when something in it goes.
fn newest(path: &Path) -> SystemTime {
    let inside = fs::read_dir(path).into_iter().flatten().flatten();
    inside.map(|entry| newest(&entry.path())).fold(modified(path), SystemTime::max)
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn text(output: &Output) -> String {
    let both = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    both.join("\n").trim().to_owned()
}
