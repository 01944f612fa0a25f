-- Pinned messages.
CREATE TABLE message_pins (
    org_id     BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    channel_id BLOB    NOT NULL,
    pinned_by  BLOB    NOT NULL,
    pinned_at  INTEGER NOT NULL,
    PRIMARY KEY (org_id, message_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, pinned_by) REFERENCES users (org_id, id)
) WITHOUT ROWID;
CREATE INDEX message_pins_by_channel ON message_pins (org_id, channel_id, pinned_at, message_id);
