-- A store that is no longer set, or does not let go of one object, is nothing to forget files for. Both dialects.
ALTER TABLE files ADD COLUMN outside BIGINT NOT NULL DEFAULT 0; -- 1: its bytes lie, or may lie, in a store outside
ALTER TABLE files ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;   -- how often its bytes could not be removed; then `at` says when to try again
UPDATE files SET outside = 1 WHERE sealed_with IS NOT NULL OR session = 1;
