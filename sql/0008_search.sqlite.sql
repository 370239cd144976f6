-- What is found by its words: messages, and conversations by title and names (store/search.h). The program makes the words (store/words.h); the rest keeps itself.
-- Conflicts within triggers are looked for, not ignored: an upsert that sets one off would overrule that.
-- entries.words: "=<n of the conversation>" and each distinct word of the content, a blank between; NULL: not to be found.
ALTER TABLE entries ADD COLUMN words TEXT;
-- Only which row holds which word: no places (detail none), no sizes; what is found is looked at again in its content. Beginnings of three letters have lists of their own.
CREATE VIRTUAL TABLE search_messages USING fts5(words, content='entries', content_rowid='n', detail='none', columnsize=0, prefix='3', tokenize="ascii tokenchars '='");
CREATE VIRTUAL TABLE search_words USING fts5vocab('search_messages', 'instance');
-- A conversation's words: "=<its people, hashed>", and those of title and names.
CREATE TABLE search_titles (
	n     INTEGER PRIMARY KEY,
	words TEXT NOT NULL
);
CREATE VIRTUAL TABLE search_conversations USING fts5(words, content='search_titles', content_rowid='n', detail='none', columnsize=0, prefix='3', tokenize="ascii tokenchars '='");
CREATE VIRTUAL TABLE search_names USING fts5vocab('search_conversations', 'instance');
-- Conversations whose words are to be made anew. (Triggers look before they insert: OR IGNORE would be overruled by an upsert that fires them.)
CREATE TABLE search_stale (
	n INTEGER PRIMARY KEY
);
-- Conversations in which something was edited or deleted that may still rest in the file: a worker scrubs (state 1: it is at it).
CREATE TABLE search_gone (
	n     INTEGER NOT NULL,
	state INTEGER NOT NULL,
	PRIMARY KEY (n, state)
) WITHOUT ROWID;
CREATE TRIGGER search_message_new AFTER INSERT ON entries WHEN new.words IS NOT NULL BEGIN
	INSERT INTO search_messages (rowid, words) VALUES (new.n, new.words);
END;
CREATE TRIGGER search_message_word AFTER UPDATE OF words ON entries WHEN old.words IS NOT new.words BEGIN
	INSERT INTO search_messages (search_messages, rowid, words) SELECT 'delete', old.n, old.words WHERE old.words IS NOT NULL;
	INSERT INTO search_messages (rowid, words) SELECT new.n, new.words WHERE new.words IS NOT NULL;
END;
CREATE TRIGGER search_message_text AFTER UPDATE OF content ON entries WHEN old.content IS NOT new.content BEGIN
	UPDATE entries SET words = NULL WHERE n = new.n AND new.content IS NULL AND words IS NOT NULL;
	INSERT INTO search_gone (n, state) SELECT old.conversation, 0 WHERE NOT EXISTS (SELECT 1 FROM search_gone WHERE n = old.conversation AND state = 0);
END;
CREATE TRIGGER search_message_gone AFTER DELETE ON entries WHEN old.kind = 'm' BEGIN
	INSERT INTO search_messages (search_messages, rowid, words) SELECT 'delete', old.n, old.words WHERE old.words IS NOT NULL;
	INSERT INTO search_gone (n, state) SELECT old.conversation, 0 WHERE NOT EXISTS (SELECT 1 FROM search_gone WHERE n = old.conversation AND state = 0);
END;
CREATE TRIGGER search_title_new AFTER INSERT ON search_titles BEGIN
	INSERT INTO search_conversations (rowid, words) VALUES (new.n, new.words);
END;
CREATE TRIGGER search_title_change AFTER UPDATE OF words ON search_titles WHEN old.words <> new.words BEGIN
	INSERT INTO search_conversations (search_conversations, rowid, words) VALUES ('delete', old.n, old.words);
	INSERT INTO search_conversations (rowid, words) VALUES (new.n, new.words);
	INSERT INTO search_gone (n, state) SELECT old.n, 0 WHERE NOT EXISTS (SELECT 1 FROM search_gone WHERE n = old.n AND state = 0);
END;
CREATE TRIGGER search_title_gone AFTER DELETE ON search_titles BEGIN
	INSERT INTO search_conversations (search_conversations, rowid, words) VALUES ('delete', old.n, old.words);
	INSERT INTO search_gone (n, state) SELECT old.n, 0 WHERE NOT EXISTS (SELECT 1 FROM search_gone WHERE n = old.n AND state = 0);
END;
CREATE TRIGGER search_conversation_new AFTER INSERT ON conversations BEGIN
	INSERT INTO search_stale (n) SELECT new.n WHERE NOT EXISTS (SELECT 1 FROM search_stale WHERE n = new.n);
END;
CREATE TRIGGER search_conversation_title AFTER UPDATE OF title ON conversations WHEN old.title <> new.title BEGIN
	INSERT INTO search_stale (n) SELECT new.n WHERE NOT EXISTS (SELECT 1 FROM search_stale WHERE n = new.n);
END;
CREATE TRIGGER search_conversation_gone AFTER DELETE ON conversations BEGIN
	DELETE FROM search_titles WHERE n = old.n;
	DELETE FROM search_stale WHERE n = old.n;
END;
CREATE TRIGGER search_member_new AFTER INSERT ON members BEGIN
	INSERT INTO search_stale (n) SELECT new.conversation WHERE new.conversation NOT IN (SELECT n FROM search_stale);
END;
CREATE TRIGGER search_member_left AFTER UPDATE OF left_at ON members WHEN old.left_at IS NOT new.left_at BEGIN
	INSERT INTO search_stale (n) SELECT new.conversation WHERE new.conversation NOT IN (SELECT n FROM search_stale);
END;
CREATE TRIGGER search_person_new AFTER INSERT ON people BEGIN
	INSERT INTO search_stale (n) SELECT conversation FROM members WHERE participant = new.id AND left_at IS NULL AND conversation NOT IN (SELECT n FROM search_stale);
END;
CREATE TRIGGER search_person_name AFTER UPDATE OF name ON people WHEN old.name <> new.name BEGIN
	INSERT INTO search_stale (n) SELECT conversation FROM members WHERE participant = new.id AND left_at IS NULL AND conversation NOT IN (SELECT n FROM search_stale);
END;
INSERT INTO search_stale (n) SELECT n FROM conversations;
CREATE INDEX conversations_retention ON conversations (n) WHERE retention_s IS NOT NULL;
