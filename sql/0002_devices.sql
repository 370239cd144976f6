-- Push targets of counselors, one per person. Those of a session's participants stay in Redis. Both dialects.
CREATE TABLE devices (
	participant TEXT   NOT NULL PRIMARY KEY,
	kind        TEXT   NOT NULL CHECK (kind IN ('token', 'fid')),
	value       TEXT   NOT NULL,
	updated_at  BIGINT NOT NULL
);
