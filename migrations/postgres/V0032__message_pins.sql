-- Pinned messages.
CREATE TABLE message_pins (
    org_id     UUID   NOT NULL,
    message_id UUID   NOT NULL,
    channel_id UUID   NOT NULL,
    pinned_by  UUID   NOT NULL,
    pinned_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, message_id),
    FOREIGN KEY (org_id, message_id) REFERENCES messages (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, pinned_by) REFERENCES users (org_id, id)
);
CREATE INDEX message_pins_by_channel ON message_pins (org_id, channel_id, pinned_at, message_id);

ALTER TABLE message_pins ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_pins FORCE ROW LEVEL SECURITY;
CREATE POLICY message_pins_in_scope ON message_pins USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());
