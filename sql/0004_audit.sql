-- What happened to which session when, and by which side. No content, no people. The key is the whole item: what is drained twice is kept once. Both dialects.
CREATE TABLE audit (
	conversation TEXT   NOT NULL,
	at           BIGINT NOT NULL,
	position     BIGINT NOT NULL,
	what         TEXT   NOT NULL,
	side         TEXT   NOT NULL,
	PRIMARY KEY (conversation, at, position, what, side)
);
CREATE INDEX audit_at ON audit (at);
