-- What a channel is about, in one line.
ALTER TABLE channels ADD COLUMN topic TEXT NOT NULL DEFAULT '' CHECK (length(topic) <= 250);

-- How a user wants to hear of a channel. Without a row: not muted, notified of everything.
CREATE TABLE channel_preferences (
    org_id     UUID    NOT NULL,
    user_id    UUID    NOT NULL,
    channel_id UUID    NOT NULL,
    muted      BOOLEAN NOT NULL,
    notify     TEXT    NOT NULL,
    PRIMARY KEY (org_id, user_id, channel_id),
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE
);

ALTER TABLE channel_preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE channel_preferences FORCE ROW LEVEL SECURITY;
CREATE POLICY channel_preferences_in_scope ON channel_preferences USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());
