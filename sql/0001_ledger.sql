-- What is known of sessions when they are gone: times and counts. Never names, participants or content.
-- Times everywhere: milliseconds since the epoch. Both dialects.

-- One row for each life of a session; an id may come back after its stub is gone, or after Redis was lost.
CREATE TABLE ledger (
	conversation TEXT   NOT NULL,
	created_at   BIGINT NOT NULL,
	expires_at   BIGINT NOT NULL,           -- the deadline as last told here
	ended_at     BIGINT,
	closed_at    BIGINT,                    -- NULL: open
	how          TEXT CHECK (how IN ('expired', 'erased', 'lost')),
	messages     BIGINT NOT NULL DEFAULT 0,
	case_ref     TEXT,
	checked_at   BIGINT NOT NULL,           -- when someone last asked Redis whether it is still there
	PRIMARY KEY (conversation, created_at),
	CHECK ((closed_at IS NULL) = (how IS NULL))
);
CREATE INDEX ledger_open ON ledger (checked_at) WHERE closed_at IS NULL;
CREATE INDEX ledger_closed ON ledger (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX ledger_case ON ledger (case_ref) WHERE case_ref IS NOT NULL;
