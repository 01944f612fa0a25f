-- Uploaded files. Their contents lie beside the database, named by their SHA-256. attachments counts the
-- tasks and messages that hold a file: one that nothing holds goes after a day.
CREATE TABLE files (
    org_id       BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id           BLOB    NOT NULL CHECK (length(id) = 16),
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    content_type TEXT    NOT NULL CHECK (length(content_type) BETWEEN 1 AND 255),
    size         INTEGER NOT NULL CHECK (size >= 0),
    sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
    width        INTEGER,
    height       INTEGER,
    attachments  INTEGER NOT NULL DEFAULT 0 CHECK (attachments >= 0),
    created_by   BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, created_by) REFERENCES users (org_id, id)
);
CREATE INDEX files_by_content ON files (org_id, sha256);
CREATE INDEX files_unattached ON files (org_id, created_at, id) WHERE attachments = 0;

-- Bytes of an organization's files, for its quota.
CREATE TABLE file_usage (
    org_id BLOB    NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    bytes  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE task_files (
    org_id  BLOB NOT NULL,
    task_id BLOB NOT NULL,
    file_id BLOB NOT NULL,
    PRIMARY KEY (org_id, task_id, file_id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, file_id) REFERENCES files (org_id, id)
) WITHOUT ROWID;
CREATE INDEX task_files_by_file ON task_files (org_id, file_id, task_id);

CREATE TABLE message_files (
    org_id     BLOB NOT NULL,
    message_id BLOB NOT NULL,
    file_id    BLOB NOT NULL,
    PRIMARY KEY (org_id, message_id, file_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, file_id) REFERENCES files (org_id, id)
) WITHOUT ROWID;
CREATE INDEX message_files_by_file ON message_files (org_id, file_id, message_id);
