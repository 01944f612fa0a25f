-- Closed sets (status, type, role, …) are checked by the types of the program, which can grow with a
-- release.
ALTER TABLE organizations DROP CONSTRAINT organizations_status_check;
ALTER TABLE users
    DROP CONSTRAINT users_type_check,
    DROP CONSTRAINT users_role_check,
    DROP CONSTRAINT users_status_check;
ALTER TABLE projects DROP CONSTRAINT projects_type_check, DROP CONSTRAINT projects_stage_check;
ALTER TABLE tasks
    DROP CONSTRAINT tasks_type_check,
    DROP CONSTRAINT tasks_priority_check,
    DROP CONSTRAINT tasks_status_check;
ALTER TABLE task_evidence DROP CONSTRAINT task_evidence_type_check;
ALTER TABLE channels DROP CONSTRAINT channels_type_check;
ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
ALTER TABLE message_receipts DROP CONSTRAINT message_receipts_state_check;
ALTER TABLE subscriptions DROP CONSTRAINT subscriptions_topic_type_check;
ALTER TABLE events DROP CONSTRAINT events_actor_type_check;

-- How far each consumer of the event log has come in an organization, and the instance that feeds it now.
CREATE TABLE event_cursors (
    org_id       UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    consumer     TEXT COLLATE "C" NOT NULL CHECK (length(consumer) BETWEEN 1 AND 100),
    seq          BIGINT NOT NULL DEFAULT 0 CHECK (seq >= 0),
    leased_by    UUID,
    leased_until BIGINT,
    PRIMARY KEY (org_id, consumer),
    CHECK ((leased_by IS NULL) = (leased_until IS NULL))
);

-- Work that is done once, some time after the change that asked for it. A row without lease and without
-- dead_at waits; dead_at marks a dead letter. org_id NULL = work of the whole server. attempts counts the
-- runs that began. Of jobs with the same kind and unique_key at most one waits.
CREATE TABLE jobs (
    id           UUID NOT NULL PRIMARY KEY,
    org_id       UUID REFERENCES organizations (id) ON DELETE CASCADE,
    kind         TEXT COLLATE "C" NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    args         JSONB NOT NULL DEFAULT '{}',
    unique_key   TEXT COLLATE "C" CHECK (length(unique_key) BETWEEN 1 AND 200),
    due_at       BIGINT NOT NULL,
    attempts     BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    leased_by    UUID,
    leased_until BIGINT,
    last_error   TEXT,
    dead_at      BIGINT,
    created_at   BIGINT NOT NULL,
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
    kind       TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(kind) BETWEEN 1 AND 100),
    expression TEXT NOT NULL,
    due_at     BIGINT NOT NULL
);

ALTER TABLE event_cursors ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_cursors FORCE ROW LEVEL SECURITY;
CREATE POLICY event_cursors_in_scope ON event_cursors USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

-- The queue is claimed across organizations, before a scope is set.
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY jobs_in_scope ON jobs
    USING (scope_org() IS NULL OR org_id = scope_org())
    WITH CHECK (scope_org() IS NULL OR org_id = scope_org());
