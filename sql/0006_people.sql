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
-- One row for each login; its id is a hash of the cookie's value, never the value. Logging out marks it: for as long as Redis may still remember that it stood, it must be
-- known here that it was revoked (chat/login.h). The worker deletes what is over.
CREATE TABLE logins (
	id         TEXT   NOT NULL PRIMARY KEY,
	person     TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,             -- moves on while it is used
	revoked_at BIGINT                       -- NULL: stands
);
CREATE INDEX logins_person ON logins (person);
CREATE INDEX logins_expiry ON logins (expires_at);
CREATE INDEX logins_revoked ON logins (revoked_at) WHERE revoked_at IS NOT NULL;
