-- Who reacted to a message with which emoji.
CREATE TABLE message_reactions (
    org_id     UUID   NOT NULL,
    message_id UUID   NOT NULL,
    emoji      TEXT   NOT NULL CHECK (length(emoji) BETWEEN 1 AND 16),
    user_id    UUID   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, message_id, emoji, user_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);
CREATE INDEX message_reactions_by_time ON message_reactions (org_id, message_id, emoji, created_at, user_id);

-- One row for each emoji of a message, written together with the rows above: how many users, and the
-- first 50 of them. Reading messages costs the same however many users react.
CREATE TABLE message_reaction_counts (
    org_id     UUID   NOT NULL,
    message_id UUID   NOT NULL,
    emoji      TEXT   NOT NULL,
    count      BIGINT NOT NULL CHECK (count > 0),
    user_ids   JSONB  NOT NULL,
    first_at   BIGINT NOT NULL,
    PRIMARY KEY (org_id, message_id, emoji),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE
);

ALTER TABLE message_reactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_reactions FORCE ROW LEVEL SECURITY;
CREATE POLICY message_reactions_in_scope ON message_reactions USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());

ALTER TABLE message_reaction_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_reaction_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY message_reaction_counts_in_scope ON message_reaction_counts USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());
