-- When the author last changed the text. The text before is not kept.
ALTER TABLE messages ADD COLUMN edited_at INTEGER;
