-- The outbox of messages to MainServer. Both dialects.
CREATE TABLE webhooks (
	id           TEXT   NOT NULL PRIMARY KEY,
	type         TEXT   NOT NULL,
	conversation TEXT,
	payload      TEXT   NOT NULL,
	request_id   TEXT,
	created_at   BIGINT NOT NULL,
	since        BIGINT NOT NULL,           -- when trying began: at its creation, or when it was sent again
	next_at      BIGINT NOT NULL,           -- not before; while a worker has it, when its lease ends
	attempt      BIGINT NOT NULL DEFAULT 0,
	state        TEXT   NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
	last_error   TEXT,
	done_at      BIGINT,
	CHECK ((done_at IS NULL) = (state = 'pending'))
);
CREATE INDEX webhooks_due ON webhooks (next_at) WHERE state = 'pending';
CREATE INDEX webhooks_state ON webhooks (state, created_at);
CREATE INDEX webhooks_done ON webhooks (done_at) WHERE done_at IS NOT NULL;
