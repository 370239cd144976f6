-- How many messages a session had, as far as that is known: NULL while it is open, when it was lost, and when its count went with its keys before anybody looked. Both dialects.
ALTER TABLE ledger ADD COLUMN counted BIGINT;
UPDATE ledger SET counted = messages WHERE how IN ('expired', 'erased');
ALTER TABLE ledger DROP COLUMN messages;
ALTER TABLE ledger RENAME COLUMN counted TO messages;
