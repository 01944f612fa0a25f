-- Who reacted to a message with which emoji.
CREATE TABLE message_reactions (
    org_id     BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    emoji      TEXT    NOT NULL CHECK (length(emoji) BETWEEN 1 AND 16),
    user_id    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, message_id, emoji, user_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
) WITHOUT ROWID;
CREATE INDEX message_reactions_by_time ON message_reactions (org_id, message_id, emoji, created_at, user_id);

-- One row for each emoji of a message, written together with the rows above: how many users, and the
-- first 50 of them. Reading messages costs the same however many users react.
CREATE TABLE message_reaction_counts (
    org_id     BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    emoji      TEXT    NOT NULL,
    count      INTEGER NOT NULL CHECK (count > 0),
    user_ids   TEXT    NOT NULL CHECK (json_valid(user_ids)),
    first_at   INTEGER NOT NULL,
    PRIMARY KEY (org_id, message_id, emoji),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE
) WITHOUT ROWID;
