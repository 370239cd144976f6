-- Who takes part in lasting conversations: accounts made here, and MainServer's users as they turn up. Times: milliseconds since the epoch. Both dialects.
CREATE TABLE people (
	id      TEXT   NOT NULL PRIMARY KEY,    -- an account's "acct_…", or MainServer's userId
	name    TEXT   NOT NULL DEFAULT '',     -- shown to others: the account's, or the claim `name`
	seen_at BIGINT NOT NULL
);
CREATE TABLE accounts (
	id         TEXT   NOT NULL PRIMARY KEY,
	login      TEXT   NOT NULL UNIQUE,      -- folded, see store/accounts.h
	password   TEXT   NOT NULL,             -- argon2id, as libsodium writes it
	created_at BIGINT NOT NULL
);
-- One row for each login that stands; logging out deletes it. Holds a hash of the cookie's value, never the value.
CREATE TABLE logins (
	id         TEXT   NOT NULL PRIMARY KEY,
	person     TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX logins_person ON logins (person);
CREATE INDEX logins_expiry ON logins (expires_at);
