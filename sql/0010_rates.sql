-- What people did lately and must not do too often, counted in windows that begin with the first of it (chat/quota.h). Times: milliseconds since the epoch. Both dialects.
CREATE TABLE rates (
	person TEXT   NOT NULL,
	what   TEXT   NOT NULL,
	since  BIGINT NOT NULL,
	count  BIGINT NOT NULL,
	PRIMARY KEY (person, what)
);
CREATE INDEX rates_since ON rates (since);
