-- What is found by its words: messages, and conversations by title and names (store/search.h). The program makes the words (store/words.h); the rest keeps itself.
-- entries.words: "=<n of the conversation>" and each distinct word of the content, a blank between; NULL: not to be found.
ALTER TABLE entries ADD COLUMN words TEXT;
CREATE INDEX entries_words ON entries USING gin (array_to_tsvector(string_to_array(words, ' '))) WITH (gin_pending_list_limit = 256) WHERE words IS NOT NULL;
-- A conversation's words: "=<its people, hashed>", and those of title and names.
CREATE TABLE search_titles (
	n     BIGINT PRIMARY KEY,
	words TEXT NOT NULL
);
CREATE INDEX search_titles_words ON search_titles USING gin (array_to_tsvector(string_to_array(words, ' '))) WITH (gin_pending_list_limit = 256);
-- Conversations whose words are to be made anew.
CREATE TABLE search_stale (
	n BIGINT PRIMARY KEY
);
-- Conversations in which something was edited or deleted that may still rest in the files: a worker scrubs (state 1: it is at it).
-- Without a key: nobody is to wait for another because of it.
CREATE TABLE search_gone (
	n     BIGINT   NOT NULL,
	state SMALLINT NOT NULL
);
CREATE FUNCTION search_message_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.content IS DISTINCT FROM OLD.content THEN
		INSERT INTO search_gone (n, state) VALUES (OLD.conversation, 0);
		IF NEW.content IS NULL THEN
			NEW.words := NULL;
		END IF;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER search_message_text BEFORE UPDATE OF content ON entries FOR EACH ROW EXECUTE FUNCTION search_message_text();
CREATE FUNCTION search_message_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO search_gone (n, state) VALUES (0, 0);
	RETURN NULL;
END $$;
CREATE TRIGGER search_message_gone AFTER DELETE ON entries FOR EACH STATEMENT EXECUTE FUNCTION search_message_gone();
CREATE FUNCTION search_conversation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		DELETE FROM search_titles WHERE n = OLD.n;
		DELETE FROM search_stale WHERE n = OLD.n;
	ELSIF TG_OP = 'INSERT' OR OLD.title <> NEW.title THEN
		INSERT INTO search_stale (n) VALUES (NEW.n) ON CONFLICT DO NOTHING;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER search_conversation AFTER INSERT OR DELETE OR UPDATE OF title ON conversations FOR EACH ROW EXECUTE FUNCTION search_conversation();
CREATE FUNCTION search_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO search_stale (n) VALUES (NEW.conversation) ON CONFLICT DO NOTHING;
	RETURN NULL;
END $$;
CREATE TRIGGER search_member AFTER INSERT OR UPDATE OF left_at ON members FOR EACH ROW EXECUTE FUNCTION search_member();
CREATE FUNCTION search_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' OR OLD.name <> NEW.name THEN
		INSERT INTO search_stale (n) SELECT conversation FROM members WHERE participant = NEW.id AND left_at IS NULL ON CONFLICT DO NOTHING;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER search_person AFTER INSERT OR UPDATE OF name ON people FOR EACH ROW EXECUTE FUNCTION search_person();
INSERT INTO search_stale (n) SELECT n FROM conversations;
CREATE INDEX conversations_retention ON conversations (n) WHERE retention_s IS NOT NULL;
