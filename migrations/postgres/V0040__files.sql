-- Uploaded files. Their contents lie beside the database, named by their SHA-256. attachments counts the
-- tasks and messages that hold a file: one that nothing holds goes after a day.
CREATE TABLE files (
    org_id       UUID    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id           UUID    NOT NULL,
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    content_type TEXT    NOT NULL CHECK (length(content_type) BETWEEN 1 AND 255),
    size         BIGINT NOT NULL CHECK (size >= 0),
    sha256       BYTEA   NOT NULL CHECK (octet_length(sha256) = 32),
    width        BIGINT,
    height       BIGINT,
    attachments  BIGINT NOT NULL DEFAULT 0 CHECK (attachments >= 0),
    created_by   UUID    NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, created_by) REFERENCES users (org_id, id)
);
CREATE INDEX files_by_content ON files (org_id, sha256);
CREATE INDEX files_unattached ON files (org_id, created_at, id) WHERE attachments = 0;

-- Bytes of an organization's files, for its quota.
CREATE TABLE file_usage (
    org_id UUID    NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    bytes  BIGINT NOT NULL
);

CREATE TABLE task_files (
    org_id  UUID NOT NULL,
    task_id UUID NOT NULL,
    file_id UUID NOT NULL,
    PRIMARY KEY (org_id, task_id, file_id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, file_id) REFERENCES files (org_id, id)
);
CREATE INDEX task_files_by_file ON task_files (org_id, file_id, task_id);

CREATE TABLE message_files (
    org_id     UUID NOT NULL,
    message_id UUID NOT NULL,
    file_id    UUID NOT NULL,
    PRIMARY KEY (org_id, message_id, file_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, file_id) REFERENCES files (org_id, id)
);
CREATE INDEX message_files_by_file ON message_files (org_id, file_id, message_id);

ALTER TABLE files ENABLE ROW LEVEL SECURITY;
ALTER TABLE files FORCE ROW LEVEL SECURITY;
CREATE POLICY files_in_scope ON files USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE file_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE file_usage FORCE ROW LEVEL SECURITY;
CREATE POLICY file_usage_in_scope ON file_usage USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE task_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE task_files FORCE ROW LEVEL SECURITY;
CREATE POLICY task_files_in_scope ON task_files USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE message_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_files FORCE ROW LEVEL SECURITY;
CREATE POLICY message_files_in_scope ON message_files USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());
