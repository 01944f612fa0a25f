-- What a list of tasks costs depends on the page alone: totals are counters, and each order that a list can
-- have is an index of live tasks and one of archived tasks.

CREATE TABLE task_counts (
    org_id   BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    status   TEXT    NOT NULL,
    priority TEXT    NOT NULL,
    type     TEXT    NOT NULL,
    archived INTEGER NOT NULL,
    tasks    INTEGER NOT NULL,
    PRIMARY KEY (org_id, status, priority, type, archived)
) WITHOUT ROWID;

-- Live tasks of a project.
CREATE TABLE project_task_counts (
    org_id     BLOB    NOT NULL,
    project_id BLOB    NOT NULL,
    status     TEXT    NOT NULL,
    tasks      INTEGER NOT NULL,
    PRIMARY KEY (org_id, project_id, status),
    FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- The title in lower case, letter by letter.
ALTER TABLE tasks ADD COLUMN title_key TEXT NOT NULL DEFAULT '';

UPDATE tasks SET title_key = lower(title);
INSERT INTO task_counts (org_id, status, priority, type, archived, tasks)
SELECT org_id, status, priority, type, CASE WHEN archived_at IS NULL THEN 0 ELSE 1 END, count(*)
  FROM tasks GROUP BY 1, 2, 3, 4, 5;
INSERT INTO project_task_counts (org_id, project_id, status, tasks)
SELECT l.org_id, l.project_id, t.status, count(*)
  FROM task_projects AS l JOIN tasks AS t ON t.org_id = l.org_id AND t.id = l.task_id
 WHERE t.archived_at IS NULL GROUP BY 1, 2, 3;

DROP INDEX tasks_by_position;
DROP INDEX tasks_by_creation;
DROP INDEX tasks_by_update;
CREATE INDEX tasks_live_by_status ON tasks (org_id, status, position, id) WHERE archived_at IS NULL;
CREATE INDEX tasks_live_by_priority ON tasks (org_id, priority, position, id) WHERE archived_at IS NULL;
CREATE INDEX tasks_live_by_creation ON tasks (org_id, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX tasks_live_by_update ON tasks (org_id, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX tasks_live_by_title ON tasks (org_id, title_key, id) WHERE archived_at IS NULL;
CREATE INDEX tasks_archived_by_status ON tasks (org_id, status, position, id) WHERE archived_at IS NOT NULL;
CREATE INDEX tasks_archived_by_priority ON tasks (org_id, priority, position, id) WHERE archived_at IS NOT NULL;
CREATE INDEX tasks_archived_by_creation ON tasks (org_id, created_at, id) WHERE archived_at IS NOT NULL;
CREATE INDEX tasks_archived_by_update ON tasks (org_id, updated_at, id) WHERE archived_at IS NOT NULL;
CREATE INDEX tasks_archived_by_title ON tasks (org_id, title_key, id) WHERE archived_at IS NOT NULL;
