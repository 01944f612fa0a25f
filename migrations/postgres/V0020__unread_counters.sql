-- Unread and mention counts are differences of counters, so that they cost the same however many
-- messages a channel holds. Live means: not deleted.

ALTER TABLE channels ADD COLUMN posted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE channels ADD COLUMN live BIGINT NOT NULL DEFAULT 0;
-- The message's number within its channel, and among its sender's messages there, each from 1 without a
-- gap: two of them tell how many messages lie between.
ALTER TABLE messages ADD COLUMN nth BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN sender_nth BIGINT NOT NULL DEFAULT 0;
-- The message's channel and seq; seq becomes NULL when the message is deleted.
ALTER TABLE message_mentions ADD COLUMN channel_id UUID;
ALTER TABLE message_mentions ADD COLUMN seq BIGINT;

-- posted: messages that the user posted; own: the live ones of them. mentions: live messages that mention
-- them. others_read and mentions_read: live messages of others, and live mentions, up to their read marker.
CREATE TABLE channel_counts (
    org_id        UUID    NOT NULL,
    channel_id    UUID    NOT NULL,
    user_id       UUID    NOT NULL,
    posted        BIGINT NOT NULL DEFAULT 0,
    own           BIGINT NOT NULL DEFAULT 0,
    mentions      BIGINT NOT NULL DEFAULT 0,
    others_read   BIGINT NOT NULL DEFAULT 0,
    mentions_read BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, channel_id, user_id),
    FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);

-- The fill sees every organization: row-level security stands aside for the owner until it is done.
ALTER TABLE channels NO FORCE ROW LEVEL SECURITY;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE message_mentions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE channel_reads NO FORCE ROW LEVEL SECURITY;

UPDATE messages SET nth = numbered.nth, sender_nth = numbered.sender_nth
  FROM (SELECT org_id, id, row_number() OVER (PARTITION BY org_id, channel_id ORDER BY seq) AS nth,
               row_number() OVER (PARTITION BY org_id, channel_id, sender_id ORDER BY seq) AS sender_nth
          FROM messages) AS numbered
 WHERE messages.org_id = numbered.org_id AND messages.id = numbered.id;
UPDATE channels SET posted = counted.posted, live = counted.live
  FROM (SELECT org_id, channel_id, count(*) AS posted, count(*) - count(deleted_at) AS live
          FROM messages GROUP BY org_id, channel_id) AS counted
 WHERE channels.org_id = counted.org_id AND channels.id = counted.channel_id;
UPDATE message_mentions SET channel_id = m.channel_id, seq = CASE WHEN m.deleted_at IS NULL THEN m.seq END
  FROM messages AS m
 WHERE message_mentions.org_id = m.org_id AND message_mentions.message_id = m.id;

DROP INDEX message_mentions_by_user;
CREATE INDEX message_mentions_by_user ON message_mentions (org_id, user_id, channel_id, seq);
CREATE INDEX messages_by_sender ON messages (org_id, channel_id, sender_id, seq);
CREATE INDEX messages_deleted ON messages (org_id, channel_id, seq, sender_id) WHERE deleted_at IS NOT NULL;

INSERT INTO channel_counts (org_id, channel_id, user_id, posted, own, mentions, others_read, mentions_read)
SELECT w.org_id, w.channel_id, w.user_id,
       (SELECT count(*) FROM messages AS m
         WHERE m.org_id = w.org_id AND m.channel_id = w.channel_id AND m.sender_id = w.user_id),
       (SELECT count(*) FROM messages AS m
         WHERE m.org_id = w.org_id AND m.channel_id = w.channel_id AND m.sender_id = w.user_id
           AND m.deleted_at IS NULL),
       (SELECT count(*) FROM message_mentions AS x
         WHERE x.org_id = w.org_id AND x.user_id = w.user_id AND x.channel_id = w.channel_id
           AND x.seq IS NOT NULL),
       (SELECT count(*) FROM messages AS m
         WHERE m.org_id = w.org_id AND m.channel_id = w.channel_id AND m.sender_id <> w.user_id
           AND m.deleted_at IS NULL AND m.seq <= coalesce(r.seq, 0)),
       (SELECT count(*) FROM message_mentions AS x
         WHERE x.org_id = w.org_id AND x.user_id = w.user_id AND x.channel_id = w.channel_id
           AND x.seq <= coalesce(r.seq, 0))
  FROM (SELECT org_id, channel_id, sender_id AS user_id FROM messages
        UNION SELECT org_id, channel_id, user_id FROM message_mentions
        UNION SELECT org_id, channel_id, user_id FROM channel_reads) AS w
  LEFT JOIN channel_reads AS r
    ON r.org_id = w.org_id AND r.channel_id = w.channel_id AND r.user_id = w.user_id;

ALTER TABLE channels FORCE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE message_mentions FORCE ROW LEVEL SECURITY;
ALTER TABLE channel_reads FORCE ROW LEVEL SECURITY;

ALTER TABLE channel_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE channel_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY channel_counts_in_scope ON channel_counts USING (org_id = scope_org()) WITH CHECK (org_id = scope_org());
