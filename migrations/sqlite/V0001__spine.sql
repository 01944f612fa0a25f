-- The tables of the spine. Ids are 16-byte UUIDs, times are microseconds since 1970 (UTC), JSON is
-- text. Every table with an org_id belongs to one organization; references between such tables
-- carry it, so that a row can never point into another organization.
-- (Closed sets are written with OR: for IN with three values or more SQLite makes a temporary table
-- at every insert.)

CREATE TABLE organizations (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug        TEXT    NOT NULL UNIQUE CHECK (length(slug) BETWEEN 3 AND 50),
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    status      TEXT    NOT NULL DEFAULT 'active' CHECK (status = 'active' OR status = 'suspended' OR status = 'pending_deletion'),
    settings    TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
    version     INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
);

-- People, across organizations. The email is kept folded to lower case.
CREATE TABLE identities (
    id                BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email             TEXT    NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
    email_verified_at INTEGER,
    password_hash     TEXT,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
);

-- A session is a family of one-hour tokens.
CREATE TABLE sessions (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    identity_id    BLOB    NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    org_id         BLOB    REFERENCES organizations (id) ON DELETE SET NULL,
    token_id       BLOB    NOT NULL CHECK (length(token_id) = 16),
    previous_token_id      BLOB CHECK (length(previous_token_id) = 16),
    previous_valid_until   INTEGER,
    address        TEXT    NOT NULL,
    user_agent     TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    last_used_at   INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    revoked_at     INTEGER
);
CREATE INDEX sessions_by_identity ON sessions (identity_id, created_at);

-- Links that let a person set a new password, once.
CREATE TABLE password_resets (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    identity_id BLOB    NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    token_hash  BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER
);
CREATE INDEX password_resets_by_identity ON password_resets (identity_id);

-- Members: people (id = their identity's) and agents.
CREATE TABLE users (
    org_id        BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id            BLOB    NOT NULL CHECK (length(id) = 16),
    identity_id   BLOB    REFERENCES identities (id),
    type          TEXT    NOT NULL CHECK (type IN ('human', 'agent')),
    role          TEXT    NOT NULL CHECK (role IN ('administrator', 'contributor')),
    status        TEXT    NOT NULL CHECK (status = 'invited' OR status = 'active' OR status = 'removed'),
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
CREATE UNIQUE INDEX users_by_handle ON users (org_id, handle) WHERE status <> 'removed';
CREATE INDEX users_by_name ON users (org_id, display_name, id);
CREATE INDEX users_by_id ON users (id);

CREATE TABLE api_keys (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    org_id       BLOB    NOT NULL,
    user_id      BLOB    NOT NULL,
    owner        TEXT    NOT NULL CHECK (length(owner) = 8),
    prefix       TEXT    NOT NULL,
    hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX api_keys_by_owner ON api_keys (owner);
CREATE INDEX api_keys_by_user ON api_keys (org_id, user_id, created_at);

CREATE TABLE invitations (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    org_id      BLOB    NOT NULL,
    user_id     BLOB    NOT NULL,
    email       TEXT    NOT NULL,
    token_hash  BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_by  BLOB,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    accepted_at INTEGER,
    revoked_at  INTEGER,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX invitations_by_org ON invitations (org_id, created_at);
CREATE INDEX invitations_by_user ON invitations (org_id, user_id);

CREATE TABLE projects (
    org_id      BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    type        TEXT    NOT NULL CHECK (type = 'software' OR type = 'docs' OR type = 'launch'),
    description TEXT    NOT NULL DEFAULT '' CHECK (length(description) <= 50000),
    owner_id    BLOB    NOT NULL,
    links       TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(links)),
    stage       TEXT    NOT NULL DEFAULT 'definition'
                CHECK (stage = 'definition' OR stage = 'poc' OR stage = 'development' OR stage = 'testing' OR stage = 'adoption' OR stage = 'maintenance' OR stage = 'end-of-life'),
    ended_at    INTEGER,
    version     INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, owner_id) REFERENCES users (org_id, id),
    CHECK ((stage = 'end-of-life') = (ended_at IS NOT NULL))
);
CREATE INDEX projects_by_creation ON projects (org_id, created_at, id);

CREATE TABLE project_members (
    org_id     BLOB    NOT NULL,
    project_id BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, project_id, user_id),
    FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
) WITHOUT ROWID;
CREATE INDEX project_members_by_user ON project_members (org_id, user_id, project_id);

CREATE TABLE tasks (
    org_id       BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id           BLOB    NOT NULL CHECK (length(id) = 16),
    title        TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
    description  TEXT    NOT NULL DEFAULT '' CHECK (length(description) <= 50000),
    type         TEXT    NOT NULL CHECK (type = 'bug' OR type = 'feature' OR type = 'chore'),
    priority     TEXT    NOT NULL CHECK (priority = 'low' OR priority = 'medium' OR priority = 'high' OR priority = 'critical'),
    status       TEXT    NOT NULL CHECK (status = 'backlog' OR status = 'in-progress' OR status = 'in-review' OR status = 'complete'),
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
CREATE UNIQUE INDEX tasks_by_column ON tasks (org_id, status, position);
-- archived_at is in it so that tasks are counted by it without a look at the table.
CREATE INDEX tasks_by_position ON tasks (org_id, position, id, archived_at) WHERE archived_at IS NULL;
CREATE INDEX tasks_by_creation ON tasks (org_id, created_at, id);
CREATE INDEX tasks_by_update ON tasks (org_id, updated_at, id);

CREATE TABLE task_projects (
    org_id     BLOB NOT NULL,
    task_id    BLOB NOT NULL,
    project_id BLOB NOT NULL,
    PRIMARY KEY (org_id, task_id, project_id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
) WITHOUT ROWID;
CREATE INDEX task_projects_by_project ON task_projects (org_id, project_id, task_id);

CREATE TABLE task_assignees (
    org_id  BLOB NOT NULL,
    task_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (org_id, task_id, user_id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
) WITHOUT ROWID;
CREATE INDEX task_assignees_by_user ON task_assignees (org_id, user_id, task_id);

CREATE TABLE task_evidence (
    org_id     BLOB    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    task_id    BLOB    NOT NULL,
    type       TEXT    NOT NULL CHECK (type = 'pr_link' OR type = 'test_results' OR type = 'doc_url'),
    url        TEXT    NOT NULL CHECK (length(url) <= 2048 AND url LIKE 'https://%'),
    created_by BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, created_by) REFERENCES users (org_id, id)
);
CREATE INDEX task_evidence_by_task ON task_evidence (org_id, task_id, created_at, id);

CREATE TABLE task_dependencies (
    org_id        BLOB NOT NULL,
    task_id       BLOB NOT NULL,
    blocked_by_id BLOB NOT NULL,
    PRIMARY KEY (org_id, task_id, blocked_by_id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, blocked_by_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    CHECK (task_id <> blocked_by_id)
) WITHOUT ROWID;
CREATE INDEX task_dependencies_by_blocker ON task_dependencies (org_id, blocked_by_id, task_id);

CREATE TABLE channels (
    org_id          BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    type            TEXT    NOT NULL CHECK (type IN ('org_wide', 'project')),
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
CREATE INDEX channels_by_name ON channels (org_id, name, id);

-- seq is the number of the message's event: the order that everybody sees, whatever the clock did.
CREATE TABLE messages (
    org_id          BLOB    NOT NULL,
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    seq             INTEGER NOT NULL,
    channel_id      BLOB    NOT NULL,
    sender_id       BLOB    NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind = 'text' OR kind = 'command_output' OR kind = 'notice'),
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
CREATE UNIQUE INDEX messages_by_channel ON messages (org_id, channel_id, seq);
CREATE INDEX messages_by_task ON messages (org_id, task_id, seq) WHERE task_id IS NOT NULL;
CREATE INDEX messages_by_reply ON messages (org_id, reply_to_id) WHERE reply_to_id IS NOT NULL;
CREATE UNIQUE INDEX messages_by_idempotency_key ON messages (org_id, sender_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE message_mentions (
    org_id     BLOB NOT NULL,
    message_id BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    PRIMARY KEY (org_id, message_id, user_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
) WITHOUT ROWID;
CREATE INDEX message_mentions_by_user ON message_mentions (org_id, user_id, message_id);

CREATE TABLE message_receipts (
    org_id     BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    state      TEXT    NOT NULL CHECK (state = 'delivered' OR state = 'working' OR state = 'answered' OR state = 'failed'),
    detail     TEXT,
    at         INTEGER NOT NULL,
    PRIMARY KEY (org_id, message_id, user_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
) WITHOUT ROWID;

CREATE TABLE channel_reads (
    org_id     BLOB    NOT NULL,
    channel_id BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    seq        INTEGER NOT NULL,
    PRIMARY KEY (org_id, channel_id, user_id),
    FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
) WITHOUT ROWID;

CREATE TABLE subscriptions (
    org_id     BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    topic_type TEXT NOT NULL CHECK (topic_type = 'project' OR topic_type = 'task' OR topic_type = 'channel'),
    topic_id   BLOB NOT NULL CHECK (length(topic_id) = 16),
    PRIMARY KEY (org_id, user_id, topic_type, topic_id),
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- The log of one organization: its newest number, its oldest kept number, and its epoch, which
-- changes when a backup is restored. The row is the lock that makes commit order the number order.
CREATE TABLE event_logs (
    org_id    BLOB    NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    last_seq  INTEGER NOT NULL DEFAULT 0,
    first_seq INTEGER NOT NULL DEFAULT 1,
    epoch     INTEGER NOT NULL
) WITHOUT ROWID;

-- addressed: users who hear of it whatever they subscribed to. restricted_project_id: only members
-- of that project see it. admin_only: only administrators see it. subject_id: the user whose access
-- it changes. Of a message only the id is kept.
CREATE TABLE events (
    org_id      BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    seq         INTEGER NOT NULL CHECK (seq > 0),
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    type        TEXT    NOT NULL,
    actor_id    BLOB,
    actor_type  TEXT    NOT NULL CHECK (actor_type = 'human' OR actor_type = 'agent' OR actor_type = 'sub_agent' OR actor_type = 'system'),
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
CREATE INDEX events_by_type ON events (org_id, type, seq);
CREATE INDEX events_by_actor ON events (org_id, actor_id, seq) WHERE actor_id IS NOT NULL;
CREATE INDEX events_by_task ON events (org_id, task_id, seq) WHERE task_id IS NOT NULL;
CREATE INDEX events_by_channel ON events (org_id, channel_id, seq) WHERE channel_id IS NOT NULL;

CREATE TABLE event_projects (
    org_id     BLOB    NOT NULL,
    project_id BLOB    NOT NULL,
    seq        INTEGER NOT NULL,
    PRIMARY KEY (org_id, project_id, seq),
    FOREIGN KEY (org_id, seq) REFERENCES events (org_id, seq) ON DELETE CASCADE
) WITHOUT ROWID;

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

-- The first answer to a POST, for 24 hours.
CREATE TABLE idempotency_keys (
    org_id       BLOB    NOT NULL,
    caller_id    BLOB    NOT NULL,
    path         TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    request_hash BLOB    NOT NULL,
    status       INTEGER NOT NULL,
    body         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (org_id, caller_id, path, key),
    FOREIGN KEY (org_id, caller_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (org_id, created_at);
