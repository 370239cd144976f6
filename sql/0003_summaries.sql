-- Summaries that counselors asked for; the document is sealed. Both dialects (SQLite takes BYTEA for a column of any kind, and keeps blobs as blobs).
CREATE TABLE summaries (
	id           TEXT   NOT NULL PRIMARY KEY,
	conversation TEXT   NOT NULL,
	session_at   BIGINT NOT NULL,           -- created_at of that life of the session
	case_ref     TEXT,
	counselor    TEXT   NOT NULL,           -- who asked, and may read
	status       TEXT   NOT NULL CHECK (status IN ('requested', 'running', 'ready', 'failed')),
	reason       TEXT,
	attempt      BIGINT NOT NULL DEFAULT 0,
	model        TEXT,
	key_id       TEXT,
	document     BYTEA,
	created_at   BIGINT NOT NULL,
	updated_at   BIGINT NOT NULL,
	finished_at  BIGINT,
	expires_at   BIGINT NOT NULL,           -- end of its retention
	UNIQUE (conversation, session_at),
	CHECK ((document IS NOT NULL) = (status = 'ready')),
	CHECK ((document IS NULL) = (key_id IS NULL))
);
CREATE INDEX summaries_case ON summaries (case_ref, created_at) WHERE case_ref IS NOT NULL;
CREATE INDEX summaries_counselor ON summaries (counselor, created_at);
CREATE INDEX summaries_unsettled ON summaries (updated_at) WHERE status IN ('requested', 'running');
CREATE INDEX summaries_expiry ON summaries (expires_at);
CREATE INDEX summaries_keys ON summaries (key_id) WHERE key_id IS NOT NULL;
