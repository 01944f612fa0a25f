//! The contents of uploaded files, beside the database: `files/<organization>/<first two digits>/<SHA-256>`.
//!
//! Content is addressed by its SHA-256 within an organization, so the same file is kept once and a name
//! never meets the file system. Organizations share no content: nobody can learn that another one has it.
//!
//! Everything here blocks. A content is complete before it gets its name, and durable before it is
//! referenced by a row. Must not know: who may see a file, what holds it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mission_control_shared::OrgId;
use sha2::{Digest as _, Sha256};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore};
use uuid::Uuid;

use super::{Failure, Result};

/// Uploads that run at the same time; the next ones wait.
const UPLOADS: usize = 8;
/// Bytes at the start of a file that tell its type.
const HEAD: usize = 4_096;

/// The SHA-256 of a content.
pub type ContentHash = [u8; 32];

/// The folder of contents.
pub struct Blobs {
    dir: PathBuf,
    /// Bounds the threads and buffers of uploads.
    pub uploads: Semaphore,
    /// Held for reading from the moment a content gets its name until a row refers to it, and for
    /// writing while contents without a row are removed.
    naming: RwLock<()>,
}

/// A content while it arrives. Dropped before [`Upload::finish`] it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    path: PathBuf,
    file: Option<File>,
    hash: Sha256,
    head: Vec<u8>,
    size: u64,
}

/// What a complete content is.
#[derive(Clone, Debug)]
pub struct Content {
    /// SHA-256.
    pub sha256: ContentHash,
    /// Bytes.
    pub size: u64,
    /// Told by the content itself, never by its sender.
    pub content_type: String,
    /// Width and height in pixels, of an image.
    pub dimensions: Option<(u32, u32)>,
}

impl Blobs {
    /// Opens the folder in the data directory and removes what uploads that were cut off left there.
    pub fn open(data_dir: &Path) -> io::Result<Blobs> {
        let dir = data_dir.join("files");
        make_dir(&dir)?;
        let incoming = dir.join("incoming");
        match fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => make_dir(&incoming)?,
        }
        Ok(Blobs { dir, uploads: Semaphore::new(UPLOADS), naming: RwLock::new(()) })
    }

    /// Starts an upload.
    pub fn begin(&self) -> Result<Upload> {
        let path = self.dir.join("incoming").join(Uuid::now_v7().to_string());
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failure)?;
        Ok(Upload { path, file: Some(file), hash: Sha256::new(), head: Vec::new(), size: 0 })
    }

    /// To be held while a content gets its name and its row.
    pub async fn naming(&self) -> RwLockReadGuard<'_, ()> {
        self.naming.read().await
    }

    /// To be held while contents without a row are looked for and removed.
    pub async fn removing(&self) -> RwLockWriteGuard<'_, ()> {
        self.naming.write().await
    }

    /// Gives a finished content its name.
    pub fn keep(&self, org_id: OrgId, mut upload: Upload, content: &Content) -> Result<()> {
        let path = self.path(org_id, &content.sha256);
        let parent = path.parent().expect("a content lies in a folder");
        let made = [self.dir.join(org_id.to_string()).as_path(), parent]
            .into_iter()
            .try_for_each(make_dir)
            // Over an older copy as well: its age starts anew, so no clean-up takes it now.
            .and_then(|()| fs::rename(&upload.path, &path))
            .and_then(|()| File::open(parent)?.sync_all());
        upload.file = None;
        made.map_err(failure)
    }

    /// Opens a content for reading; `None` when it is not there.
    pub fn read(&self, org_id: OrgId, hash: &ContentHash) -> Result<Option<File>> {
        match File::open(self.path(org_id, hash)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    /// Removes a content; one that is gone already stays gone.
    pub fn remove(&self, org_id: OrgId, hash: &ContentHash) -> Result<()> {
        match fs::remove_file(self.path(org_id, hash)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failure(error)),
            _ => Ok(()),
        }
    }

    /// Up to `limit` contents of an organization that follow `after` in the order of their hashes.
    pub fn list(
        &self,
        org_id: OrgId,
        after: Option<&ContentHash>,
        limit: usize,
    ) -> Result<Vec<(ContentHash, SystemTime)>> {
        let root = self.dir.join(org_id.to_string());
        let after_name = after.map(hex);
        let mut found = Vec::new();
        for folder in names(&root)? {
            if after_name.as_ref().is_some_and(|after| folder.as_str() < &after[..2]) {
                continue;
            }
            for name in names(&root.join(&folder))? {
                let is_next = after_name.as_ref().is_none_or(|after| name > *after);
                let Some(hash) = unhex(&name).filter(|_| is_next) else { continue };
                let path = root.join(&folder).join(&name);
                match path.metadata().and_then(|meta| meta.modified()) {
                    Ok(modified) => found.push((hash, modified)),
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(failure(error)),
                }
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// Whether a content is older than `age`. A clock that was set back makes it young.
    pub fn is_older(modified: SystemTime, age: Duration) -> bool {
        SystemTime::now().duration_since(modified).is_ok_and(|elapsed| elapsed > age)
    }

    fn path(&self, org_id: OrgId, hash: &ContentHash) -> PathBuf {
        let name = hex(hash);
        self.dir.join(org_id.to_string()).join(&name[..2]).join(name)
    }
}

impl Upload {
    /// Takes the next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let missing = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        self.file.as_mut().expect("written to before it is kept").write_all(bytes).map_err(failure)
    }

    /// Brings it to the disk and tells what it is.
    pub fn finish(&mut self) -> Result<Content> {
        self.file.as_mut().expect("finished before it is kept").sync_all().map_err(failure)?;
        let content_type = sniff(&self.head);
        let dimensions = content_type
            .starts_with("image/")
            .then(|| imagesize::size(&self.path).ok())
            .flatten()
            .and_then(|size| u32::try_from(size.width).ok().zip(u32::try_from(size.height).ok()));
        let sha256 = std::mem::take(&mut self.hash).finalize().into();
        Ok(Content { sha256, size: self.size, content_type: content_type.to_owned(), dimensions })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.file.is_some() {
            // What stays is removed at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Reads up to `size` bytes; fewer only at the end.
pub fn read_piece(file: &mut File, size: usize) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(size);
    io::Read::by_ref(file).take(size as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// The type that the first bytes tell.
fn sniff(head: &[u8]) -> &'static str {
    if let Some(kind) = infer::get(head) {
        return kind.mime_type();
    }
    // A character may be cut at the end of the head.
    let is_text = match std::str::from_utf8(head) {
        Ok(text) => !text.is_empty(),
        Err(error) => error.error_len().is_none() && head.len() == HEAD,
    };
    if is_text && !head.contains(&0) { "text/plain" } else { "application/octet-stream" }
}

fn failure(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem => {
            Failure::StorageFull
        }
        _ => Failure::Other(anyhow::Error::from(error).context("use the folder of uploaded files")),
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The names in a folder in their order; none when it is not there.
fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failure)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failure)?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// The hexadecimal form of a hash, in lower case.
pub fn hex(hash: &ContentHash) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<ContentHash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId(Uuid::nil());

    fn upload(blobs: &Blobs, bytes: &[u8]) -> (Upload, Content) {
        let mut upload = blobs.begin().unwrap();
        upload.write(bytes).unwrap();
        let content = upload.finish().unwrap();
        (upload, content)
    }

    fn files_below(dir: &Path) -> usize {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
    }

    #[test]
    fn a_content_is_kept_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        for _ in 0..2 {
            let (upload, content) = upload(&blobs, b"the same bytes");
            assert_eq!((content.size, content.content_type.as_str()), (14, "text/plain"));
            blobs.keep(ORG, upload, &content).unwrap();
        }
        assert_eq!(files_below(dir.path()), 1);
        let listed = blobs.list(ORG, None, 10).unwrap();
        assert_eq!(listed.len(), 1);
        let mut file = blobs.read(ORG, &listed[0].0).unwrap().unwrap();
        assert_eq!(read_piece(&mut file, 100).unwrap(), b"the same bytes");
        assert!(blobs.read(OrgId(Uuid::max()), &listed[0].0).unwrap().is_none(), "of another organization");
        assert!(blobs.list(ORG, Some(&listed[0].0), 10).unwrap().is_empty());
        blobs.remove(ORG, &listed[0].0).unwrap();
        blobs.remove(ORG, &listed[0].0).unwrap();
        assert_eq!(files_below(dir.path()), 0);
    }

    #[test]
    fn an_upload_that_is_cut_off_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        drop(upload(&blobs, b"half"));
        assert_eq!(files_below(dir.path()), 0);
        let (left, _) = upload(&blobs, b"killed");
        std::mem::forget(left);
        assert_eq!(files_below(dir.path()), 1);
        Blobs::open(dir.path()).unwrap();
        assert_eq!(files_below(dir.path()), 0, "the next start removes it");
    }

    #[test]
    fn the_type_comes_from_the_content() {
        let mut gif = b"GIF89a".to_vec();
        gif.extend([3, 0, 2, 0, 0, 0, 0]);
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        let (_upload, content) = upload(&blobs, &gif);
        assert_eq!((content.content_type.as_str(), content.dimensions), ("image/gif", Some((3, 2))));
        assert_eq!(sniff(b"<html><script>"), "text/html");
        assert_eq!(sniff("请看".as_bytes()), "text/plain");
        assert_eq!(sniff(b""), "application/octet-stream");
        assert_eq!(sniff(b"\x00\x01\x02"), "application/octet-stream");
        let mut cut = "a".repeat(HEAD - 1).into_bytes();
        cut.push("é".as_bytes()[0]);
        assert_eq!(sniff(&cut), "text/plain");
    }

    #[test]
    fn the_list_goes_on_after_a_hash() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        for number in 0..20_u8 {
            let (upload, content) = upload(&blobs, &[number]);
            blobs.keep(ORG, upload, &content).unwrap();
        }
        let mut seen = Vec::new();
        while let page = blobs.list(ORG, seen.last(), 7).unwrap()
            && !page.is_empty()
        {
            seen.extend(page.into_iter().map(|(hash, _)| hash));
        }
        assert_eq!(seen.len(), 20);
        assert!(seen.is_sorted());
    }
}
