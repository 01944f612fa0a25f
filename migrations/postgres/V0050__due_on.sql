-- A day such as 2026-01-31. Tasks without one have a text that sorts after every day.
ALTER TABLE tasks ADD COLUMN due_on text COLLATE "C" NOT NULL DEFAULT '9999-99-99' CHECK (length(due_on) = 10);
CREATE INDEX tasks_live_by_due ON tasks (org_id, due_on, id) WHERE archived_at IS NULL;
CREATE INDEX tasks_archived_by_due ON tasks (org_id, due_on, id) WHERE archived_at IS NOT NULL;
