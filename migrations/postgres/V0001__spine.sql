-- The tables of the spine. Times are microseconds since 1970 (UTC). Every table with an org_id belongs
-- to one organization; references between such tables carry it, so that a row can never point into
-- another organization.

CREATE TABLE organizations (
    id          UUID NOT NULL PRIMARY KEY,
    slug        TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(slug) BETWEEN 3 AND 50),
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    status      TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'pending_deletion')),
    settings    JSONB NOT NULL DEFAULT '{}',
    version     BIGINT NOT NULL DEFAULT 1,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- People, across organizations. The email is kept folded to lower case.
CREATE TABLE identities (
    id                UUID NOT NULL PRIMARY KEY,
    email             TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
    email_verified_at BIGINT,
    password_hash     TEXT,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);

-- A session is a family of one-hour tokens.
CREATE TABLE sessions (
    id             UUID NOT NULL PRIMARY KEY,
    identity_id    UUID NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    org_id         UUID REFERENCES organizations (id) ON DELETE SET NULL,
    token_id       UUID NOT NULL,
    previous_token_id      UUID,
    previous_valid_until   BIGINT,
    address        TEXT    NOT NULL,
    user_agent     TEXT    NOT NULL,
    created_at     BIGINT NOT NULL,
    last_used_at   BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    revoked_at     BIGINT
);
CREATE INDEX sessions_by_identity ON sessions (identity_id, created_at);

-- Links that let a person set a new password, once.
CREATE TABLE password_resets (
    id          UUID NOT NULL PRIMARY KEY,
    identity_id UUID NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    token_hash  BYTEA NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT
);
CREATE INDEX password_resets_by_identity ON password_resets (identity_id);

-- Members: people (id = their identity's) and agents.
CREATE TABLE users (
    org_id        UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id            UUID NOT NULL,
    identity_id   UUID REFERENCES identities (id),
    type          TEXT    NOT NULL CHECK (type IN ('human', 'agent')),
    role          TEXT    NOT NULL CHECK (role IN ('administrator', 'contributor')),
    status        TEXT    NOT NULL CHECK (status IN ('invited', 'active', 'removed')),
    handle        TEXT COLLATE "C" NOT NULL CHECK (length(handle) BETWEEN 2 AND 39),
    display_name  TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 100),
    email         TEXT COLLATE "C",
    identities    JSONB NOT NULL DEFAULT '{}',
    notification_routes JSONB NOT NULL DEFAULT '{}',
    last_seen_at  BIGINT,
    version       BIGINT NOT NULL DEFAULT 1,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, id),
    CHECK ((type = 'human') = (identity_id IS NOT NULL)),
    CHECK (identity_id IS NULL OR identity_id = id)
);
CREATE UNIQUE INDEX users_by_handle ON users (org_id, handle) WHERE status <> 'removed';
CREATE INDEX users_by_name ON users (org_id, display_name, id);
CREATE INDEX users_by_id ON users (id);

CREATE TABLE api_keys (
    id           UUID NOT NULL PRIMARY KEY,
    org_id       UUID NOT NULL,
    user_id      UUID NOT NULL,
    owner        TEXT COLLATE "C" NOT NULL CHECK (length(owner) = 8),
    prefix       TEXT    NOT NULL,
    hash         BYTEA NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX api_keys_by_owner ON api_keys (owner);
CREATE INDEX api_keys_by_user ON api_keys (org_id, user_id, created_at);

CREATE TABLE invitations (
    id          UUID NOT NULL PRIMARY KEY,
    org_id      UUID NOT NULL,
    user_id     UUID NOT NULL,
    email       TEXT COLLATE "C" NOT NULL,
    token_hash  BYTEA NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    created_by  UUID,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    accepted_at BIGINT,
    revoked_at  BIGINT,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX invitations_by_org ON invitations (org_id, created_at);
CREATE INDEX invitations_by_user ON invitations (org_id, user_id);

CREATE TABLE projects (
    org_id      UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id          UUID NOT NULL,
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    type        TEXT    NOT NULL CHECK (type IN ('software', 'docs', 'launch')),
    description TEXT    NOT NULL DEFAULT '' CHECK (length(description) <= 50000),
    owner_id    UUID NOT NULL,
    links       JSONB NOT NULL DEFAULT '{}',
    stage       TEXT    NOT NULL DEFAULT 'definition'
                CHECK (stage IN ('definition', 'poc', 'development', 'testing', 'adoption', 'maintenance', 'end-of-life')),
    ended_at    BIGINT,
    version     BIGINT NOT NULL DEFAULT 1,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, owner_id) REFERENCES users (org_id, id),
    CHECK ((stage = 'end-of-life') = (ended_at IS NOT NULL))
);
CREATE INDEX projects_by_creation ON projects (org_id, created_at, id);

CREATE TABLE project_members (
    org_id     UUID NOT NULL,
    project_id UUID NOT NULL,
    user_id    UUID NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, project_id, user_id),
    FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);
CREATE INDEX project_members_by_user ON project_members (org_id, user_id, project_id);

CREATE TABLE tasks (
    org_id       UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id           UUID NOT NULL,
    title        TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
    description  TEXT    NOT NULL DEFAULT '' CHECK (length(description) <= 50000),
    type         TEXT    NOT NULL CHECK (type IN ('bug', 'feature', 'chore')),
    priority     TEXT    NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    status       TEXT    NOT NULL CHECK (status IN ('backlog', 'in-progress', 'in-review', 'complete')),
    position     TEXT COLLATE "C" NOT NULL CHECK (position <> ''),
    required_evidence_types JSONB NOT NULL DEFAULT '[]',
    created_by   UUID NOT NULL,
    completed_at BIGINT,
    archived_at  BIGINT,
    version      BIGINT NOT NULL DEFAULT 1,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
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
    org_id     UUID NOT NULL,
    task_id    UUID NOT NULL,
    project_id UUID NOT NULL,
    PRIMARY KEY (org_id, task_id, project_id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);
CREATE INDEX task_projects_by_project ON task_projects (org_id, project_id, task_id);

CREATE TABLE task_assignees (
    org_id  UUID NOT NULL,
    task_id UUID NOT NULL,
    user_id UUID NOT NULL,
    PRIMARY KEY (org_id, task_id, user_id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);
CREATE INDEX task_assignees_by_user ON task_assignees (org_id, user_id, task_id);

CREATE TABLE task_evidence (
    org_id     UUID NOT NULL,
    id         UUID NOT NULL,
    task_id    UUID NOT NULL,
    type       TEXT    NOT NULL CHECK (type IN ('pr_link', 'test_results', 'doc_url')),
    url        TEXT    NOT NULL CHECK (length(url) <= 2048 AND url LIKE 'https://%'),
    created_by UUID NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, created_by) REFERENCES users (org_id, id)
);
CREATE INDEX task_evidence_by_task ON task_evidence (org_id, task_id, created_at, id);

CREATE TABLE task_dependencies (
    org_id        UUID NOT NULL,
    task_id       UUID NOT NULL,
    blocked_by_id UUID NOT NULL,
    PRIMARY KEY (org_id, task_id, blocked_by_id),
    FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, blocked_by_id) REFERENCES tasks (org_id, id) ON DELETE CASCADE,
    CHECK (task_id <> blocked_by_id)
);
CREATE INDEX task_dependencies_by_blocker ON task_dependencies (org_id, blocked_by_id, task_id);

CREATE TABLE channels (
    org_id          UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id              UUID NOT NULL,
    type            TEXT    NOT NULL CHECK (type IN ('org_wide', 'project')),
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    project_id      UUID,
    last_message_at BIGINT,
    version         BIGINT NOT NULL DEFAULT 1,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, project_id),
    FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE,
    CHECK ((type = 'project') = (project_id IS NOT NULL))
);
CREATE INDEX channels_by_name ON channels (org_id, name, id);

-- seq is the number of the message's event: the order that everybody sees, whatever the clock did.
CREATE TABLE messages (
    org_id          UUID NOT NULL,
    id              UUID NOT NULL,
    seq             BIGINT NOT NULL,
    channel_id      UUID NOT NULL,
    sender_id       UUID NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('text', 'command_output', 'notice')),
    content         TEXT    NOT NULL CHECK (length(content) <= 10000),
    task_id         UUID,
    reply_to_id     UUID,
    hops            BIGINT NOT NULL DEFAULT 0 CHECK (hops >= 0),
    idempotency_key TEXT,
    request_hash    BYTEA,
    created_at      BIGINT NOT NULL,
    deleted_at      BIGINT,
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
    org_id     UUID NOT NULL,
    message_id UUID NOT NULL,
    user_id    UUID NOT NULL,
    PRIMARY KEY (org_id, message_id, user_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);
CREATE INDEX message_mentions_by_user ON message_mentions (org_id, user_id, message_id);

CREATE TABLE message_receipts (
    org_id     UUID NOT NULL,
    message_id UUID NOT NULL,
    user_id    UUID NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('delivered', 'working', 'answered', 'failed')),
    detail     TEXT,
    at         BIGINT NOT NULL,
    PRIMARY KEY (org_id, message_id, user_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);

CREATE TABLE channel_reads (
    org_id     UUID NOT NULL,
    channel_id UUID NOT NULL,
    user_id    UUID NOT NULL,
    message_id UUID NOT NULL,
    seq        BIGINT NOT NULL,
    PRIMARY KEY (org_id, channel_id, user_id),
    FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);

CREATE TABLE subscriptions (
    org_id     UUID NOT NULL,
    user_id    UUID NOT NULL,
    topic_type TEXT NOT NULL CHECK (topic_type IN ('project', 'task', 'channel')),
    topic_id   UUID NOT NULL,
    PRIMARY KEY (org_id, user_id, topic_type, topic_id),
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);

-- The log of one organization: its newest number, its oldest kept number, and its epoch, which
-- changes when a backup is restored. The row is the lock that makes commit order the number order.
CREATE TABLE event_logs (
    org_id    UUID NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    last_seq  BIGINT NOT NULL DEFAULT 0,
    first_seq BIGINT NOT NULL DEFAULT 1,
    epoch     BIGINT NOT NULL
);

-- addressed: users who hear of it whatever they subscribed to. restricted_project_id: only members
-- of that project see it. admin_only: only administrators see it. subject_id: the user whose access
-- it changes. Of a message only the id is kept.
CREATE TABLE events (
    org_id      UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    seq         BIGINT NOT NULL CHECK (seq > 0),
    id          UUID NOT NULL,
    type        TEXT    NOT NULL,
    actor_id    UUID,
    actor_type  TEXT    NOT NULL CHECK (actor_type IN ('human', 'agent', 'sub_agent', 'system')),
    project_ids JSONB NOT NULL,
    task_id     UUID,
    channel_id  UUID,
    message_id  UUID,
    subject_id  UUID,
    addressed   JSONB NOT NULL,
    restricted_project_id UUID,
    admin_only  BOOLEAN NOT NULL,
    payload     JSON NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (org_id, seq)
);
CREATE INDEX events_by_type ON events (org_id, type, seq);
CREATE INDEX events_by_actor ON events (org_id, actor_id, seq) WHERE actor_id IS NOT NULL;
CREATE INDEX events_by_task ON events (org_id, task_id, seq) WHERE task_id IS NOT NULL;
CREATE INDEX events_by_channel ON events (org_id, channel_id, seq) WHERE channel_id IS NOT NULL;

CREATE TABLE event_projects (
    org_id     UUID NOT NULL,
    project_id UUID NOT NULL,
    seq        BIGINT NOT NULL,
    PRIMARY KEY (org_id, project_id, seq),
    FOREIGN KEY (org_id, seq) REFERENCES events (org_id, seq) ON DELETE CASCADE
);

-- No event is ever changed.
CREATE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Retention first raises first_seq, then removes what lies below it: no other row can go.
    IF TG_OP = 'DELETE' AND OLD.seq < (SELECT first_seq FROM event_logs WHERE org_id = OLD.org_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'events are immutable';
END;
$$;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_event_change();
CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_event_change();

-- The first answer to a POST, for 24 hours.
CREATE TABLE idempotency_keys (
    org_id       UUID NOT NULL,
    caller_id    UUID NOT NULL,
    path         TEXT    NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    request_hash BYTEA NOT NULL,
    status       BIGINT NOT NULL,
    body         TEXT    NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (org_id, caller_id, path, key),
    FOREIGN KEY (org_id, caller_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (org_id, created_at);

-- The second wall: a row is visible only in its organization's scope, which every transaction sets.
-- Outside stand the tables that are read before the organization is known: organizations,
-- identities, sessions, api_keys and invitations. Users are also visible to their own identity.
CREATE FUNCTION scope_org() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('mc.org', true), '')::uuid
$$;
CREATE FUNCTION scope_identity() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('mc.identity', true), '')::uuid
$$;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY users_in_scope ON users
    USING (org_id = scope_org() OR id = scope_identity())
    WITH CHECK (org_id = scope_org());

ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE projects FORCE ROW LEVEL SECURITY;
CREATE POLICY projects_in_scope ON projects USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE project_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE project_members FORCE ROW LEVEL SECURITY;
CREATE POLICY project_members_in_scope ON project_members USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;
CREATE POLICY tasks_in_scope ON tasks USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE task_projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE task_projects FORCE ROW LEVEL SECURITY;
CREATE POLICY task_projects_in_scope ON task_projects USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE task_assignees ENABLE ROW LEVEL SECURITY;
ALTER TABLE task_assignees FORCE ROW LEVEL SECURITY;
CREATE POLICY task_assignees_in_scope ON task_assignees USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE task_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE task_evidence FORCE ROW LEVEL SECURITY;
CREATE POLICY task_evidence_in_scope ON task_evidence USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE task_dependencies ENABLE ROW LEVEL SECURITY;
ALTER TABLE task_dependencies FORCE ROW LEVEL SECURITY;
CREATE POLICY task_dependencies_in_scope ON task_dependencies USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE channels ENABLE ROW LEVEL SECURITY;
ALTER TABLE channels FORCE ROW LEVEL SECURITY;
CREATE POLICY channels_in_scope ON channels USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
CREATE POLICY messages_in_scope ON messages USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE message_mentions ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_mentions FORCE ROW LEVEL SECURITY;
CREATE POLICY message_mentions_in_scope ON message_mentions USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE message_receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_receipts FORCE ROW LEVEL SECURITY;
CREATE POLICY message_receipts_in_scope ON message_receipts USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE channel_reads ENABLE ROW LEVEL SECURITY;
ALTER TABLE channel_reads FORCE ROW LEVEL SECURITY;
CREATE POLICY channel_reads_in_scope ON channel_reads USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE subscriptions FORCE ROW LEVEL SECURITY;
CREATE POLICY subscriptions_in_scope ON subscriptions USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE event_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_logs FORCE ROW LEVEL SECURITY;
CREATE POLICY event_logs_in_scope ON event_logs USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY events_in_scope ON events USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE event_projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_projects FORCE ROW LEVEL SECURITY;
CREATE POLICY event_projects_in_scope ON event_projects USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY idempotency_keys_in_scope ON idempotency_keys USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());
