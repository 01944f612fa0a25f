-- Events that a reader may see are found by index: those of each channel that they may enter
-- (events_by_channel), and those outside every channel.
CREATE INDEX events_outside_channels ON events (org_id, seq) WHERE channel_id IS NULL;
