-- A note in search_stale is locked by whoever leaves it again, so that nobody takes it away before what it is about can be seen (FOR UPDATE SKIP LOCKED passes over it).
CREATE OR REPLACE FUNCTION search_conversation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		DELETE FROM search_titles WHERE n = OLD.n;
		DELETE FROM search_stale WHERE n = OLD.n;
	ELSIF TG_OP = 'INSERT' OR OLD.title <> NEW.title THEN
		INSERT INTO search_stale (n) VALUES (NEW.n) ON CONFLICT (n) DO UPDATE SET n = excluded.n;
	END IF;
	RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION search_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO search_stale (n) VALUES (NEW.conversation) ON CONFLICT (n) DO UPDATE SET n = excluded.n;
	RETURN NULL;
END $$;
-- In one order, so that two people's names don't wait for each other.
CREATE OR REPLACE FUNCTION search_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' OR OLD.name <> NEW.name THEN
		INSERT INTO search_stale (n) SELECT conversation FROM members WHERE participant = NEW.id AND left_at IS NULL ORDER BY conversation
			ON CONFLICT (n) DO UPDATE SET n = excluded.n;
	END IF;
	RETURN NULL;
END $$;
