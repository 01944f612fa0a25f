//! Files: uploaded, found, attached to tasks and messages, removed.
//!
//! An upload belongs to its uploader until a task or a message holds it; from then on it is seen by whoever
//! sees one of these. One that nothing holds for a day is removed by a job.

use mission_control_shared::{File, FileId};

use super::check::Check;
use super::policy::{Action, Authority as _, Thing};
use super::settings;
use crate::error::{Conflict, Error, Noun, Result};
use crate::store::blob::{Content, ContentHash};
use crate::store::{TenantTx, file};

/// How long an upload waits for a task or a message that holds it, in seconds.
pub const UNATTACHED_SECONDS: i64 = 24 * 3_600;

const MEGABYTE: i64 = 1024 * 1024;
const GIGABYTE: i64 = 1024 * MEGABYTE;

/// The largest file that the actor may upload now, in bytes; asked before the content is read.
///
/// Errors: `FORBIDDEN`, `FILE_QUOTA_EXCEEDED` when nothing more fits.
pub fn largest(tx: &mut TenantTx<'_, '_>) -> Result<u64> {
    tx.require(Action::UploadFile, Thing::Organization)?;
    let limits = settings::of(tx)?.files;
    if file::usage(tx)? >= i64::from(limits.quota_gb) * GIGABYTE {
        return Err(quota_exceeded(limits.quota_gb));
    }
    Ok(u64::from(limits.max_size_mb) * MEGABYTE.unsigned_abs())
}

fn quota_exceeded(quota_gb: u32) -> Error {
    let message = format!("the organization's files would exceed {quota_gb} GB: remove some first");
    Error::conflict(Conflict::FileQuotaExceeded, message)
}

/// Checks a file's name: one line of 1 to 255 characters, without the folders that some senders put
/// before it.
///
/// Errors: `VALIDATION_FAILED`.
pub fn check_name(name: &str) -> Result<String> {
    let mut check = Check::default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or("");
    let name = check.text("name", name, 1..=255);
    if name.chars().any(|c| c.is_control() || is_direction_mark(c)) {
        check.problem("name", "must be one line without control characters");
    }
    check.finish()?;
    Ok(name)
}

/// Characters that turn the direction of text around, and so disguise a name's ending.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Stores what is known of an uploaded content under a name that [`check_name`] gave.
///
/// Errors: `FORBIDDEN`, `FILE_QUOTA_EXCEEDED`.
pub fn create(tx: &mut TenantTx<'_, '_>, name: &str, content: &Content) -> Result<File> {
    tx.require(Action::UploadFile, Thing::Organization)?;
    let created_by = tx.actor().user_id.ok_or(Error::Forbidden)?;
    let size = i64::try_from(content.size).unwrap_or(i64::MAX);
    let quota_gb = settings::of(tx)?.files.quota_gb;
    if file::usage(tx)?.saturating_add(size) > i64::from(quota_gb) * GIGABYTE {
        return Err(quota_exceeded(quota_gb));
    }
    let (width, height) = content.dimensions.unzip();
    let new = File {
        id: FileId(tx.new_id()),
        name: name.to_owned(),
        content_type: content.content_type.clone(),
        size,
        sha256: crate::store::blob::hex(&content.sha256),
        width: width.map(i64::from),
        height: height.map(i64::from),
        created_by,
        created_at: tx.now(),
    };
    file::insert(tx, &new, &content.sha256)?;
    Ok(new)
}

/// A file that the actor sees, with its content. Errors: `FILE_NOT_FOUND`.
pub fn find(tx: &mut TenantTx<'_, '_>, id: FileId) -> Result<(File, ContentHash)> {
    let (file, content, _) = file::find(tx, id)?.ok_or(Error::NotFound(Noun::File))?;
    Ok((file, content))
}

/// Removes a file that no task and no message holds. Its content goes with the next clean-up.
///
/// Errors: `FILE_NOT_FOUND`, `FILE_IN_USE`, `FORBIDDEN` (neither its uploader nor an administrator).
pub fn remove(tx: &mut TenantTx<'_, '_>, id: FileId) -> Result<()> {
    let (found, _, attachments) = file::find(tx, id)?.ok_or(Error::NotFound(Noun::File))?;
    tx.require(Action::RemoveFile, &found)?;
    if attachments > 0 || !file::remove(tx, id)? {
        let message = "tasks or messages hold this file: remove it from them first";
        return Err(Error::conflict(Conflict::FileInUse, message));
    }
    Ok(())
}

/// Checks the files that a task or a message is to hold: at most `limit`, each once, and those that are
/// new to it must be visible to the actor.
pub fn check_attached(
    tx: &mut TenantTx<'_, '_>,
    check: &mut Check,
    wanted: &[FileId],
    before: &[FileId],
    limit: usize,
) -> Result<Vec<FileId>> {
    if wanted.len() > limit {
        check.problem("file_ids", format!("has more than {limit} files"));
        return Ok(Vec::new());
    }
    let new: Vec<FileId> = wanted.iter().copied().filter(|id| !before.contains(id)).collect();
    if !new.is_empty() {
        let visible = file::visible(tx, &new)?;
        for (index, _) in
            wanted.iter().enumerate().filter(|(_, id)| new.contains(id) && !visible.contains(id))
        {
            check.problem(format!("file_ids.{index}"), "names no file that you can see: upload it first");
        }
    }
    let mut files = wanted.to_vec();
    files.sort_unstable();
    files.dedup();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_without_folders() {
        assert_eq!(check_name("C:\\Users\\ada\\Plan.pdf").unwrap(), "Plan.pdf");
        assert_eq!(check_name("../../etc/passwd").unwrap(), "passwd");
        assert_eq!(check_name("  résumé 请看.txt ").unwrap(), "résumé 请看.txt");
        for wrong in ["", " ", "a/", "a\nb", "a\u{7}b", "exe.\u{202e}gpj", &"x".repeat(256)] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
