-- Events that a reader may see are found by index: those of each channel that they may enter, and those
-- outside every channel, for which channel_id is NULL.
DROP INDEX events_by_channel;
CREATE INDEX events_by_channel ON events (org_id, channel_id, seq);
