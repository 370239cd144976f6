-- Files: of lasting conversations all there is to know, of sessions only that a store outside keeps bytes of theirs (their names are in Redis).
-- A row comes before its bytes and goes after them, so that whoever dies in between leaves nothing that is not found. Times: ms since the epoch. Both dialects.
CREATE TABLE files (
	id           TEXT   NOT NULL PRIMARY KEY,     -- "file_…"
	conversation TEXT   NOT NULL,
	session      BIGINT NOT NULL DEFAULT 0,       -- 1: a session's; then everything below `blob` is empty
	state        TEXT   NOT NULL CHECK (state IN ('coming', 'kept', 'gone')), -- gone: bytes are to be removed, then the row
	at           BIGINT NOT NULL,                 -- when it came into that state
	blob         TEXT   NOT NULL,                 -- under what its bytes are kept: the first file's id that had them in this conversation
	owner        TEXT   NOT NULL DEFAULT '',      -- who uploaded it
	message      BIGINT NOT NULL DEFAULT 0,       -- position of the message it was sent with; 0: not yet
	place        BIGINT NOT NULL DEFAULT 0,       -- its place among that message's files
	hash         TEXT,                            -- of the bytes, keyed by the conversation's salt
	size         BIGINT NOT NULL DEFAULT 0,
	sealed_with  TEXT,                            -- key of the bytes in a store outside; NULL: they lie here as they are
	shown        TEXT                             -- JSON as clients see it
);
CREATE INDEX files_conversation ON files (conversation, message);
CREATE INDEX files_hash ON files (conversation, hash) WHERE hash IS NOT NULL;
CREATE INDEX files_blob ON files (blob);
CREATE INDEX files_due ON files (at) WHERE state <> 'kept' OR message = 0;
