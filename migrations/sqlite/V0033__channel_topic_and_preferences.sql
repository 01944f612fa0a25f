-- What a channel is about, in one line.
ALTER TABLE channels ADD COLUMN topic TEXT NOT NULL DEFAULT '' CHECK (length(topic) <= 250);

-- How a user wants to hear of a channel. Without a row: not muted, notified of everything.
CREATE TABLE channel_preferences (
    org_id     BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    channel_id BLOB    NOT NULL,
    muted      INTEGER NOT NULL CHECK (muted IN (0, 1)),
    notify     TEXT    NOT NULL,
    PRIMARY KEY (org_id, user_id, channel_id),
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE
) WITHOUT ROWID;
