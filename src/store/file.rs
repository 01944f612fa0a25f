//! Uploaded files: what is known of them and what holds them. Their contents are in [`super::blob`].

use mission_control_shared::{File, FileId, MessageId, TaskId, Timestamp};

use super::blob::ContentHash;
use super::channel::may_enter;
use super::{Json, Result, Row, TenantTx, blob};
use crate::args;
use crate::events::Scope;

/// Columns of every statement that gives files, in the order that [`file`] reads.
/// (A macro, because SQL text is static.)
macro_rules! columns {
    () => {
        "f.id, f.name, f.content_type, f.size, f.sha256, f.width, f.height, f.created_by, f.created_at"
    };
}

/// The condition that the user of this parameter sees file `f`: they uploaded it, or a task or a message
/// that they see holds it.
macro_rules! visible {
    ($user:literal) => {
        concat!(
            "(f.created_by = ",
            $user,
            " OR EXISTS (SELECT 1 FROM task_files AS h WHERE h.org_id = ?1 AND h.file_id = f.id)
              OR EXISTS (SELECT 1 FROM message_files AS h
                           JOIN messages AS m ON m.org_id = h.org_id AND m.id = h.message_id
                           JOIN channels AS c ON c.org_id = m.org_id AND c.id = m.channel_id
                          WHERE h.org_id = ?1 AND h.file_id = f.id AND ",
            may_enter!($user),
            "))"
        )
    };
}

/// The condition that an actor confined to task `?3` and the channels `?4` sees file `f`: one of them
/// holds it.
macro_rules! visible_within {
    () => {
        "(EXISTS (SELECT 1 FROM task_files AS h
                   WHERE h.org_id = ?1 AND h.file_id = f.id AND h.task_id = ?3)
          OR EXISTS (SELECT 1 FROM message_files AS h
                       JOIN messages AS m ON m.org_id = h.org_id AND m.id = h.message_id
                      WHERE h.org_id = ?1 AND h.file_id = f.id AND m.channel_id IN uuids(?4)))"
    };
}

fn file(row: &Row<'_>) -> Result<File> {
    Ok(File {
        id: row.get(0)?,
        name: row.get(1)?,
        content_type: row.get(2)?,
        size: row.get(3)?,
        sha256: blob::hex(&row.get::<ContentHash>(4)?),
        width: row.get(5)?,
        height: row.get(6)?,
        created_by: row.get(7)?,
        created_at: row.get(8)?,
    })
}

/// A file with its content and how many tasks and messages hold it, when the actor sees it.
pub fn find(tx: &mut TenantTx<'_, '_>, id: FileId) -> Result<Option<(File, ContentHash, i64)>> {
    macro_rules! select {
        ($visible:expr) => {
            concat!(
                "SELECT ",
                columns!(),
                ", f.attachments FROM files AS f WHERE f.org_id = ?1 AND f.id = ?2 AND ",
                $visible
            )
        };
    }
    let map = |row: &Row<'_>| Ok((file(row)?, row.get(4)?, row.get(9)?));
    let user = tx.actor().user_id;
    match tx.scope() {
        Scope::Organization => tx.row(select!(visible!("?3")), args![id, user], map),
        Scope::Task { task, channels, .. } => {
            tx.row(select!(visible_within!()), args![id, task, Json(channels)], map)
        }
    }
}

/// Those of these files that the actor sees.
pub fn visible(tx: &mut TenantTx<'_, '_>, ids: &[FileId]) -> Result<Vec<FileId>> {
    macro_rules! select {
        ($visible:expr) => {
            concat!("SELECT f.id FROM files AS f WHERE f.org_id = ?1 AND f.id IN uuids(?2) AND ", $visible)
        };
    }
    let user = tx.actor().user_id;
    match tx.scope() {
        Scope::Organization => tx.rows(select!(visible!("?3")), args![Json(ids), user], |row| row.get(0)),
        Scope::Task { task, channels, .. } => {
            tx.rows(select!(visible_within!()), args![Json(ids), task, Json(channels)], |row| row.get(0))
        }
    }
}

/// The files that these tasks hold.
pub fn of_tasks(tx: &mut TenantTx<'_, '_>, ids: &[TaskId]) -> Result<Vec<(TaskId, File)>> {
    tx.rows(
        concat!(
            "SELECT ",
            columns!(),
            ", h.task_id FROM task_files AS h JOIN files AS f ON f.org_id = h.org_id AND f.id = h.file_id
              WHERE h.org_id = ?1 AND h.task_id IN uuids(?2) ORDER BY f.created_at, f.id"
        ),
        args![Json(ids)],
        |row| Ok((row.get(9)?, file(row)?)),
    )
}

/// The files that these messages hold.
pub fn of_messages(tx: &mut TenantTx<'_, '_>, ids: &[MessageId]) -> Result<Vec<(MessageId, File)>> {
    tx.rows(
        concat!(
            "SELECT ",
            columns!(),
            ", h.message_id FROM message_files AS h JOIN files AS f ON f.org_id = h.org_id AND f.id = h.file_id
              WHERE h.org_id = ?1 AND h.message_id IN uuids(?2) ORDER BY f.created_at, f.id"
        ),
        args![Json(ids)],
        |row| Ok((row.get(9)?, file(row)?)),
    )
}

/// Bytes of the organization's files.
pub fn usage(tx: &mut TenantTx<'_, '_>) -> Result<i64> {
    let bytes = tx.row("SELECT bytes FROM file_usage WHERE org_id = ?1", args![], |row| row.get(0))?;
    Ok(bytes.unwrap_or(0))
}

fn add_usage(tx: &mut TenantTx<'_, '_>, bytes: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO file_usage (org_id, bytes) VALUES (?1, ?2)
         ON CONFLICT (org_id) DO UPDATE SET bytes = file_usage.bytes + excluded.bytes",
        args![bytes],
    )?;
    Ok(())
}

/// Stores a new file that nothing holds yet.
pub fn insert(tx: &mut TenantTx<'_, '_>, file: &File, content: &ContentHash) -> Result<()> {
    tx.execute(
        "INSERT INTO files (org_id, id, name, content_type, size, sha256, width, height, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        args![
            file.id,
            file.name,
            file.content_type,
            file.size,
            content,
            file.width,
            file.height,
            file.created_by,
            file.created_at
        ],
    )?;
    add_usage(tx, file.size)
}

/// Removes a file that nothing holds; false when something does, or it is gone.
pub fn remove(tx: &mut TenantTx<'_, '_>, id: FileId) -> Result<bool> {
    let size = tx.row(
        "SELECT size FROM files WHERE org_id = ?1 AND id = ?2 AND attachments = 0",
        args![id],
        |row| row.get::<i64>(0),
    )?;
    let Some(size) = size else {
        return Ok(false);
    };
    tx.execute("DELETE FROM files WHERE org_id = ?1 AND id = ?2", args![id])?;
    add_usage(tx, -size)?;
    Ok(true)
}

/// Up to `limit` files that nothing has held since `before`, oldest first.
pub fn unattached(tx: &mut TenantTx<'_, '_>, before: Timestamp, limit: i64) -> Result<Vec<FileId>> {
    tx.rows(
        "SELECT id FROM files WHERE org_id = ?1 AND attachments = 0 AND created_at < ?2
          ORDER BY created_at, id LIMIT ?3 + 0",
        args![before, limit],
        |row| row.get(0),
    )
}

/// Whether a file has this content.
pub fn has_content(tx: &mut TenantTx<'_, '_>, content: &ContentHash) -> Result<bool> {
    let found =
        tx.row("SELECT 1 FROM files WHERE org_id = ?1 AND sha256 = ?2 LIMIT 1", args![content], |row| {
            row.get::<i64>(0)
        })?;
    Ok(found.is_some())
}

fn count(tx: &mut TenantTx<'_, '_>, ids: &[FileId], by: i64) -> Result<()> {
    tx.execute(
        "UPDATE files SET attachments = attachments + ?3 WHERE org_id = ?1 AND id IN uuids(?2)",
        args![Json(ids), by],
    )?;
    Ok(())
}

/// Attaches files to a task that does not hold them.
pub fn add_to_task(tx: &mut TenantTx<'_, '_>, task: TaskId, ids: &[FileId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO task_files (org_id, task_id, file_id)
         SELECT f.org_id, ?2, f.id FROM files AS f WHERE f.org_id = ?1 AND f.id IN uuids(?3)",
        args![task, Json(ids)],
    )?;
    count(tx, ids, 1)
}

/// Takes files from a task that holds them.
pub fn remove_from_task(tx: &mut TenantTx<'_, '_>, task: TaskId, ids: &[FileId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    tx.execute(
        "DELETE FROM task_files WHERE org_id = ?1 AND task_id = ?2 AND file_id IN uuids(?3)",
        args![task, Json(ids)],
    )?;
    count(tx, ids, -1)
}

/// Attaches files to a message that does not hold them.
pub fn add_to_message(tx: &mut TenantTx<'_, '_>, message: MessageId, ids: &[FileId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO message_files (org_id, message_id, file_id)
         SELECT f.org_id, ?2, f.id FROM files AS f WHERE f.org_id = ?1 AND f.id IN uuids(?3)",
        args![message, Json(ids)],
    )?;
    count(tx, ids, 1)
}

/// Takes every file from a message.
pub fn remove_from_message(tx: &mut TenantTx<'_, '_>, message: MessageId) -> Result<()> {
    let ids = tx.rows(
        "SELECT file_id FROM message_files WHERE org_id = ?1 AND message_id = ?2",
        args![message],
        |row| row.get::<FileId>(0),
    )?;
    if ids.is_empty() {
        return Ok(());
    }
    tx.execute("DELETE FROM message_files WHERE org_id = ?1 AND message_id = ?2", args![message])?;
    count(tx, &ids, -1)
}
