//! A disk that forgets what was not synced, and that can be full or read-only: see fixtures/disk.c.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::Install;

/// No space left on the device.
pub(crate) const FULL: i32 = 28;
/// The file system has become read-only.
pub(crate) const READ_ONLY: i32 = 30;

/// What a disk writes as a whole.
const SECTOR: usize = 512;

/// The disk below a data directory.
pub(crate) struct Disk {
    refuses: PathBuf,
    journal: PathBuf,
}

/// One thing that was done to a file.
struct Done {
    kind: u8,
    /// Where bytes were put, or the size that the file was cut to.
    offset: usize,
    /// Size of the file before.
    size: usize,
    replaced: Vec<u8>,
    put: Vec<u8>,
}

impl Disk {
    /// Puts the disk under an install. `None`, said aloud, where there is no C compiler; in CI there
    /// is one.
    pub(crate) fn under(install: Install) -> Option<(Install, Disk)> {
        let library = install.beside("disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/disk.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source);
        match compiler.args(["-ldl", "-lpthread"]).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "no C compiler in CI: {error}");
                println!("SKIPPED: there is no C compiler: {error}");
                return None;
            }
        }
        let disk = Disk { refuses: install.beside("refuses"), journal: install.beside("journal") };
        let dir = install.dir();
        let install = install
            .with("TEST_DISK_DIR", dir)
            .with("TEST_DISK_REFUSES", &disk.refuses)
            .with("TEST_DISK_JOURNAL", &disk.journal)
            .with("LD_PRELOAD", &library);
        Some((install, disk))
    }

    /// Answers every change with this errno from here on.
    pub(crate) fn refuses_with(&self, errno: i32) {
        // Appears as a whole: the server looks at any time.
        let unfinished = self.refuses.with_extension("part");
        std::fs::write(&unfinished, errno.to_string()).unwrap();
        std::fs::rename(unfinished, &self.refuses).unwrap();
    }

    /// Takes changes again.
    pub(crate) fn takes_all(&self) {
        std::fs::remove_file(&self.refuses).unwrap();
    }

    /// Leaves of the files what a power cut leaves: what was synced, and of what was not, those
    /// sectors of which `survives` says so. Gives how many bytes were lost.
    pub(crate) fn loses_power(&self, mut survives: impl FnMut() -> bool) -> usize {
        let mut lost = 0;
        for (path, done) in self.not_synced().into_iter().filter(|(_, done)| !done.is_empty()) {
            let mut file = std::fs::read(&path).unwrap_or_default();
            done.iter().rev().for_each(|done| done.undo(&mut file));
            let mut gone = false;
            for done in &done {
                match done.kind {
                    b'W' => lost += done.redo(&mut file, &mut survives),
                    b'T' if survives() => file.resize(done.offset, 0),
                    b'U' => gone = survives(),
                    _ => {}
                }
            }
            if gone {
                let _ = std::fs::remove_file(&path);
            } else {
                std::fs::write(&path, file).unwrap();
            }
            let name = path.to_str().unwrap();
            let _ = std::fs::remove_file(format!("{}-shm", name.trim_end_matches("-wal")));
        }
        std::fs::remove_file(&self.journal).unwrap();
        lost
    }

    /// What was done to each file since it was last synced. That a name is gone is synced with its
    /// directory.
    fn not_synced(&self) -> BTreeMap<PathBuf, Vec<Done>> {
        let mut files: BTreeMap<PathBuf, Vec<Done>> = BTreeMap::new();
        let journal = std::fs::read(&self.journal).unwrap();
        let mut rest = &journal[..];
        while let Some((path, done)) = read(&mut rest) {
            // Its pid is a note for people, worth no sync.
            if path.ends_with("lock") {
                continue;
            }
            if done.kind != b'S' {
                files.entry(path).or_default().push(done);
                continue;
            }
            files.entry(path.clone()).or_default().retain(|done| done.kind == b'U');
            let within = files.iter_mut().filter(|(file, _)| file.parent() == Some(&path));
            within.for_each(|(_, since)| since.retain(|done| done.kind != b'U'));
        }
        files
    }
}

/// The next record; `None` at the end, which may be torn: then nothing was done.
fn read(rest: &mut &[u8]) -> Option<(PathBuf, Done)> {
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at_checked(count)?;
        *rest = left;
        Some(taken)
    };
    let mut number = || take(8).map(|bytes| u64::from_ne_bytes(bytes.try_into().unwrap()) as usize);
    let (kind, path, offset) = (number()?, number()?, number()?);
    let (size, replaced, put) = (number()?, number()?, number()?);
    let path = Path::new(std::str::from_utf8(take(path)?).unwrap()).to_owned();
    let (replaced, put) = (take(replaced)?.to_vec(), take(put)?.to_vec());
    Some((path, Done { kind: u8::try_from(kind).unwrap(), offset, size, replaced, put }))
}

impl Done {
    fn undo(&self, file: &mut Vec<u8>) {
        // The process may have been killed before the file grew.
        file.resize(self.size, 0);
        let at = if self.kind == b'U' { 0 } else { self.offset.min(self.size) };
        file[at..at + self.replaced.len()].copy_from_slice(&self.replaced);
    }

    fn redo(&self, file: &mut Vec<u8>, survives: &mut impl FnMut() -> bool) -> usize {
        let (mut at, end, mut lost) = (self.offset, self.offset + self.put.len(), 0);
        while at < end {
            let until = end.min((at / SECTOR + 1) * SECTOR);
            if survives() {
                file.resize(file.len().max(until), 0);
                file[at..until].copy_from_slice(&self.put[at - self.offset..until - self.offset]);
            } else {
                lost += until - at;
            }
            at = until;
        }
        lost
    }
}
