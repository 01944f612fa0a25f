-- Closed sets (status, type, role, …) are checked by the types of the program, which can grow with a
-- release; SQLite can take a CHECK away only by building the table anew: a new table beside the old
-- one, the rows copied, the old one dropped, the new one renamed. `store::migrate` runs this with
-- foreign_keys = OFF, where dropping a table removes no rows of other tables, and checks every
-- reference before the commit.
CREATE TABLE new_organizations (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug        TEXT    NOT NULL UNIQUE CHECK (length(slug) BETWEEN 3 AND 50),
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    status      TEXT    NOT NULL DEFAULT 'active',
    settings    TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
    version     INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
);
INSERT INTO new_organizations (id, slug, name, status, settings, version, created_at, updated_at)
SELECT id, slug, name, status, settings, version, created_at, updated_at
  FROM organizations;
DROP TABLE organizations;
ALTER TABLE new_organizations RENAME TO organizations;

CREATE TABLE new_users (
    org_id        BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id            BLOB    NOT NULL CHECK (length(id) = 16),
    identity_id   BLOB    REFERENCES identities (id),
    type          TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    handle        TEXT    NOT NULL CHECK (length(handle) BETWEEN 2 AND 39),
    display_name  TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 100),
    email         TEXT,
    identities    TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(identities)),
    notification_routes TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(notification_routes)),
    last_seen_at  INTEGER,
    version       INTEGER NOT NULL DEFAULT 1,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    CHECK ((type = 'human') = (identity_id IS NOT NULL)),
    CHECK (identity_id IS NULL OR identity_id = id)
);
DROP INDEX users_by_handle;
DROP INDEX users_by_name;
DROP INDEX users_by_id;
CREATE UNIQUE INDEX users_by_handle ON new_users (org_id, handle) WHERE status <> 'removed';
CREATE INDEX users_by_name ON new_users (org_id, display_name, id);
CREATE INDEX users_by_id ON new_users (id);
INSERT INTO new_users (org_id, id, identity_id, type, role, status, handle, display_name, email, identities,
       notification_routes, last_seen_at, version, created_at, updated_at)
SELECT org_id, id, identity_id, type, role, status, handle, display_name, email, identities,
       notification_routes, last_seen_at, version, created_at, updated_at
  FROM users;
DROP TABLE users;
ALTER TABLE new_users RENAME TO users;

CREATE TABLE new_projects (
    org_id      BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    type        TEXT    NOT NULL,
    description TEXT    NOT NULL DEFAULT '' CHECK (length(description) <= 50000),
    owner_id    BLOB    NOT NULL,
    links       TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(links)),
    stage       TEXT    NOT NULL DEFAULT 'definition',
    ended_at    INTEGER,
    version     INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, owner_id) REFERENCES users (org_id, id),
    CHECK ((stage = 'end-of-life') = (ended_at IS NOT NULL))
);
DROP INDEX projects_by_creation;
CREATE INDEX projects_by_creation ON new_projects (org_id, created_at, id);
INSERT INTO new_projects (org_id, id, name, type, description, owner_id, links, stage, ended_at, version, created_at,
       updated_at)
SELECT org_id, id, name, type, description, owner_id, links, stage, ended_at, version, created_at,
       updated_at
  FROM projects;
DROP TABLE projects;
ALTER TABLE new_projects RENAME TO projects;

CREATE TABLE new_tasks (
    org_id       BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id           BLOB    NOT NULL CHECK (length(id) = 16),
    title        TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
    description  TEXT    NOT NULL DEFAULT '' CHECK (length(description) <= 50000),
    type         TEXT    NOT NULL,
    priority     TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    position     TEXT    NOT NULL CHECK (position <> ''),
    required_evidence_types TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(required_evidence_types)),
    created_by   BLOB    NOT NULL,
    completed_at INTEGER,
    archived_at  INTEGER,
    version      INTEGER NOT NULL DEFAULT 1,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, created_by) REFERENCES users (org_id, id),
    CHECK ((status = 'complete') = (completed_at IS NOT NULL))
);
DROP INDEX tasks_by_column;
DROP INDEX tasks_by_position;
DROP INDEX tasks_by_creation;
DROP INDEX tasks_by_update;
CREATE UNIQUE INDEX tasks_by_column ON new_tasks (org_id, status, position);
CREATE INDEX tasks_by_position ON new_tasks (org_id, position, id, archived_at) WHERE archived_at IS NULL;
CREATE INDEX tasks_by_creation ON new_tasks (org_id, created_at, id);
CREATE INDEX tasks_by_update ON new_tasks (org_id, updated_at, id);
INSERT INTO new_tasks (org_id, id, title, description, type, priority, status, position, required_evidence_types,
       created_by, completed_at, archived_at, version, created_at, updated_at)
SELECT org_id, id, title, description, type, priority, status, position, required_evidence_types,
       created_by, completed_at, archived_at, version, created_at, updated_at
  FROM tasks;
DROP TABLE tasks;
ALTER TABLE new_tasks RENAME TO tasks;

CREATE TABLE new_task_evidence (
    org_id     BLOB    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    task_id    BLOB    NOT NULL,
    type       TEXT    NOT NULL,
    url        TEXT    NOT NULL CHECK (length(url) <= 2048 AND url LIKE 'https://%'),
    created_by BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, created_by) REFERENCES users (org_id, id)
);
DROP INDEX task_evidence_by_task;
CREATE INDEX task_evidence_by_task ON new_task_evidence (org_id, task_id, created_at, id);
INSERT INTO new_task_evidence (org_id, id, task_id, type, url, created_by, created_at)
SELECT org_id, id, task_id, type, url, created_by, created_at
  FROM task_evidence;
DROP TABLE task_evidence;
ALTER TABLE new_task_evidence RENAME TO task_evidence;

CREATE TABLE new_channels (
    org_id          BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    type            TEXT    NOT NULL,
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    project_id      BLOB,
    last_message_at INTEGER,
    version         INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, project_id),
    FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE,
    CHECK ((type = 'project') = (project_id IS NOT NULL))
);
DROP INDEX channels_by_name;
CREATE INDEX channels_by_name ON new_channels (org_id, name, id);
INSERT INTO new_channels (org_id, id, type, name, project_id, last_message_at, version, created_at, updated_at)
SELECT org_id, id, type, name, project_id, last_message_at, version, created_at, updated_at
  FROM channels;
DROP TABLE channels;
ALTER TABLE new_channels RENAME TO channels;

CREATE TABLE new_messages (
    org_id          BLOB    NOT NULL,
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    seq             INTEGER NOT NULL,
    channel_id      BLOB    NOT NULL,
    sender_id       BLOB    NOT NULL,
    kind            TEXT    NOT NULL,
    content         TEXT    NOT NULL CHECK (length(content) <= 10000),
    task_id         BLOB,
    reply_to_id     BLOB,
    hops            INTEGER NOT NULL DEFAULT 0 CHECK (hops >= 0),
    idempotency_key TEXT,
    request_hash    BLOB,
    created_at      INTEGER NOT NULL,
    deleted_at      INTEGER,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, sender_id) REFERENCES users (org_id, id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id),
    FOREIGN KEY (org_id, reply_to_id) REFERENCES messages (org_id, id),
    CHECK ((idempotency_key IS NULL) = (request_hash IS NULL)),
    CHECK (deleted_at IS NULL OR content = '')
);
DROP INDEX messages_by_channel;
DROP INDEX messages_by_task;
DROP INDEX messages_by_reply;
DROP INDEX messages_by_idempotency_key;
CREATE UNIQUE INDEX messages_by_channel ON new_messages (org_id, channel_id, seq);
CREATE INDEX messages_by_task ON new_messages (org_id, task_id, seq) WHERE task_id IS NOT NULL;
CREATE INDEX messages_by_reply ON new_messages (org_id, reply_to_id) WHERE reply_to_id IS NOT NULL;
CREATE UNIQUE INDEX messages_by_idempotency_key ON new_messages (org_id, sender_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
INSERT INTO new_messages (org_id, id, seq, channel_id, sender_id, kind, content, task_id, reply_to_id, hops,
       idempotency_key, request_hash, created_at, deleted_at)
SELECT org_id, id, seq, channel_id, sender_id, kind, content, task_id, reply_to_id, hops,
       idempotency_key, request_hash, created_at, deleted_at
  FROM messages;
DROP TABLE messages;
ALTER TABLE new_messages RENAME TO messages;

CREATE TABLE new_message_receipts (
    org_id     BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    state      TEXT    NOT NULL,
    detail     TEXT,
    at         INTEGER NOT NULL,
    PRIMARY KEY (org_id, message_id, user_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
) WITHOUT ROWID;
INSERT INTO new_message_receipts (org_id, message_id, user_id, state, detail, at)
SELECT org_id, message_id, user_id, state, detail, at
  FROM message_receipts;
DROP TABLE message_receipts;
ALTER TABLE new_message_receipts RENAME TO message_receipts;

CREATE TABLE new_subscriptions (
    org_id     BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    topic_type TEXT NOT NULL,
    topic_id   BLOB NOT NULL CHECK (length(topic_id) = 16),
    PRIMARY KEY (org_id, user_id, topic_type, topic_id),
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO new_subscriptions (org_id, user_id, topic_type, topic_id)
SELECT org_id, user_id, topic_type, topic_id
  FROM subscriptions;
DROP TABLE subscriptions;
ALTER TABLE new_subscriptions RENAME TO subscriptions;

CREATE TABLE new_events (
    org_id      BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    seq         INTEGER NOT NULL CHECK (seq > 0),
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    type        TEXT    NOT NULL,
    actor_id    BLOB,
    actor_type  TEXT    NOT NULL,
    project_ids TEXT    NOT NULL CHECK (json_valid(project_ids)),
    task_id     BLOB,
    channel_id  BLOB,
    message_id  BLOB,
    subject_id  BLOB,
    addressed   TEXT    NOT NULL CHECK (json_valid(addressed)),
    restricted_project_id BLOB,
    admin_only  INTEGER NOT NULL CHECK (admin_only IN (0, 1)),
    payload     TEXT    NOT NULL CHECK (json_valid(payload)),
    at          INTEGER NOT NULL,
    PRIMARY KEY (org_id, seq)
) WITHOUT ROWID;
DROP INDEX events_by_type;
DROP INDEX events_by_actor;
DROP INDEX events_by_task;
DROP INDEX events_by_channel;
CREATE INDEX events_by_type ON new_events (org_id, type, seq);
CREATE INDEX events_by_actor ON new_events (org_id, actor_id, seq) WHERE actor_id IS NOT NULL;
CREATE INDEX events_by_task ON new_events (org_id, task_id, seq) WHERE task_id IS NOT NULL;
CREATE INDEX events_by_channel ON new_events (org_id, channel_id, seq) WHERE channel_id IS NOT NULL;
INSERT INTO new_events (org_id, seq, id, type, actor_id, actor_type, project_ids, task_id, channel_id, message_id,
       subject_id, addressed, restricted_project_id, admin_only, payload, at)
SELECT org_id, seq, id, type, actor_id, actor_type, project_ids, task_id, channel_id, message_id,
       subject_id, addressed, restricted_project_id, admin_only, payload, at
  FROM events;
DROP TABLE events;
ALTER TABLE new_events RENAME TO events;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are immutable');
END;

-- A REPLACE would take the row that is in its way without asking the trigger on DELETE.
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE org_id = NEW.org_id AND seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'events are immutable');
END;

-- Retention first raises first_seq, then removes what lies below it: no other row can go.
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
WHEN OLD.seq >= (SELECT first_seq FROM event_logs WHERE org_id = OLD.org_id)
BEGIN
    SELECT RAISE(ABORT, 'events are immutable');
END;


-- How far each consumer of the event log has come in an organization, and the instance that feeds it now.
CREATE TABLE event_cursors (
    org_id       BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    consumer     TEXT    NOT NULL CHECK (length(consumer) BETWEEN 1 AND 100),
    seq          INTEGER NOT NULL DEFAULT 0 CHECK (seq >= 0),
    leased_by    BLOB    CHECK (length(leased_by) = 16),
    leased_until INTEGER,
    PRIMARY KEY (org_id, consumer),
    CHECK ((leased_by IS NULL) = (leased_until IS NULL))
) WITHOUT ROWID;

-- Work that is done once, some time after the change that asked for it. A row without lease and without
-- dead_at waits; dead_at marks a dead letter. org_id NULL = work of the whole server. attempts counts the
-- runs that began. Of jobs with the same kind and unique_key at most one waits.
CREATE TABLE jobs (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    org_id       BLOB    REFERENCES organizations (id) ON DELETE CASCADE,
    kind         TEXT    NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    args         TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(args)),
    unique_key   TEXT    CHECK (length(unique_key) BETWEEN 1 AND 200),
    due_at       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    leased_by    BLOB    CHECK (length(leased_by) = 16),
    leased_until INTEGER,
    last_error   TEXT,
    dead_at      INTEGER,
    created_at   INTEGER NOT NULL,
    CHECK ((leased_by IS NULL) = (leased_until IS NULL)),
    CHECK (leased_by IS NULL OR dead_at IS NULL)
);
CREATE INDEX jobs_by_due ON jobs (due_at, id) WHERE leased_by IS NULL AND dead_at IS NULL;
CREATE INDEX jobs_by_lease ON jobs (leased_until) WHERE leased_by IS NOT NULL;
CREATE INDEX jobs_by_death ON jobs (dead_at, id) WHERE dead_at IS NOT NULL;
CREATE INDEX jobs_by_org ON jobs (org_id) WHERE org_id IS NOT NULL;
CREATE UNIQUE INDEX jobs_waiting_once ON jobs (kind, unique_key)
    WHERE unique_key IS NOT NULL AND leased_by IS NULL AND dead_at IS NULL;

-- When each scheduled kind of job is due next; expression is a cron expression in UTC.
CREATE TABLE job_schedules (
    kind       TEXT    NOT NULL PRIMARY KEY CHECK (length(kind) BETWEEN 1 AND 100),
    expression TEXT    NOT NULL,
    due_at     INTEGER NOT NULL
) WITHOUT ROWID;
