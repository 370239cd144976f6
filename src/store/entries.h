/* The log of a lasting conversation: rows of `entries` (sql/0007; what an entry is: store/lua/_conversation.lua, chat/entry.h). May block.
 *
 * Whatever appends runs within db_write, has locked the conversation (conversations_lock) and finds c->length, c->last_at … moved on afterwards. Each append
 * writes its outbox row too; when the transaction has committed, the caller says announce(id) (chat/announce.h).
 *
 * What is kept exact here, in the same transaction: members.unread (messages after read_to, of others, not deleted) and members.last_at of everybody who is in
 * it, and threads' counts. Who (re)joins begins with read_to = delivered_to = c->length and unread 0. */
#ifndef STORE_ENTRIES_H
#define STORE_ENTRIES_H

#include "base/buf.h"
#include "store/conversations.h"

#define ENTRY_MARK_LEN 12

/* ---- appending ---- */

/* Something that is no message: "user:joined", "user:left", "thread:created", "conversation:updated", "history:erased" … data: one line of JSON.
 * *position (may be NULL) gets its place. Counts as no activity. */
enum err entries_event(
	struct db *d, struct conversation *c, const char *event, const char *data, int64_t now, int64_t *position) MUST_CHECK;

/* A message as it is to be kept; all of it was checked, but for the store's own rules below. */
struct entry_new {
	const char *sender, *role, *type;
	const char *client_id, *print; /* NULL: none; print: what tells another content apart (salted) */
	int64_t reply_to;              /* 0: none */
	const char *thread;            /* NULL: none */
	const char *content;           /* content_len bytes of UTF-8 */
	size_t content_len;
	const char *metadata; /* compact JSON, with files in front (metadata_join of chat/entry.h); NULL: none */
	int64_t at;
	/* filled in */
	int64_t position;
	char mark[ENTRY_MARK_LEN + 1];
};

/* Puts the row and moves c on; nothing is counted yet: entries_settle must follow in the same transaction. So that many sends cost one count. */
enum err entries_put_message(struct db *d, struct conversation *c, struct entry_new *n) MUST_CHECK;
enum err entries_put_event(struct db *d, struct conversation *c, const char *event, const char *data, int64_t now) MUST_CHECK;

/* After the puts (and entries_edit, entries_delete): c's row, outbox rows for the entries after `from`, and for everybody in it last_at and
 * `messages` more unread, less one's own. own: JSON object, those who wrote: {"<participant>":[messages,"rate"],…}. */
enum err entries_settle(struct db *d, const struct conversation *c, int64_t from, int64_t messages, const char *own) MUST_CHECK;

/* The same for one who wrote something that is no message, beside entries_event. */
enum err entries_rate(struct db *d, const struct conversation *c, const char *participant, const char *rate) MUST_CHECK;

/* What client ids stand for: of the JSON array pairs ([["<sender>","<client id>"],…]) those that were used, and whose message's time is not over. */
struct entry_known {
	const char *sender, *client_id, *print;
	int64_t position, at;
	char mark[ENTRY_MARK_LEN + 1];
};
enum err entries_known(struct db *d, struct arena *a, const struct conversation *c, const char *pairs, int most, struct entry_known **out,
	int *count) MUST_CHECK;

/* Is there a message at position / such a thread? ERR_NOT_FOUND. */
enum err entries_is_message(struct db *d, const struct conversation *c, int64_t position) MUST_CHECK;
enum err entries_is_thread(struct db *d, const struct conversation *c, const char *thread) MUST_CHECK;

/* ---- changing ---- */

struct entry_state {
	char sender[ID_MAX + 1], thread[ID_MAX + 1]; /* thread "": none */
	int64_t deleted_at, edits;
};

/* The message at position, or ERR_NOT_FOUND. */
enum err entries_state(struct db *d, const struct conversation *c, int64_t position, struct entry_state *out) MUST_CHECK;

/* Rewrites it and puts the marker, as entries_put_message does; metadata (as entries_put_message has it) NULL: stays. Who may, and whether it is deleted, was looked at before. */
enum err entries_edit(
	struct db *d, struct conversation *c, int64_t position, const char *content, size_t len, const char *metadata, int64_t now) MUST_CHECK;

/* Takes away content, metadata and files and puts the marker; those who have not read it have one unread less, and its thread one message. */
enum err entries_delete(struct db *d, struct conversation *c, int64_t position, const struct entry_state *was, int64_t now) MUST_CHECK;

/* ---- marks (after entries_settle, where both happen in one transaction) ---- */

/* Read and delivered marks only go forward, and read is delivered too; unread is what then remains. *moved says whether anything changed;
 * me is brought up to date. delivered_only: read stays. */
enum err entries_mark(
	struct db *d, const struct conversation *c, struct member *me, int64_t position, bool delivered_only, bool *moved) MUST_CHECK;

/* ---- reading ---- */

/* What a role makes of its speaker for readers: "user", "agent" (agent and business) or "system". */
const char *entries_sender_type(const char *role);

/* The JSON members of a message that never change ("refs" of chat/entry.h). */
void entries_refs(struct buf *b, const char *type, const char *role, const char *client_id, int64_t reply_to, const char *thread);

/* An entry in the line format, markers followed by the marked entry as it is now. A marker whose message is erased is followed by a deleted
 * message that says nothing but its id. In the arena. */
struct entry_line {
	int64_t conversation; /* its number */
	int64_t position;
	const char *bytes; /* NUL-terminated */
	size_t len;
};

/* The entries after position (≥ c->floor), oldest first: at most `most`, and max_bytes, unless the first alone is larger. thread NULL: all; else only that
 * thread's messages and what became of them. */
enum err entries_after(struct db *d, struct arena *a, const struct conversation *c, int64_t position, const char *thread, int most,
	size_t max_bytes, struct entry_line **out, int *count) MUST_CHECK;

/* A page of messages, ascending. mode 'a' after position, 'b' before it, 'n' the newest. *first and *last: positions of the first and the last message there is
 * (of that thread); 0 none. */
enum err entries_page(struct db *d, struct arena *a, const struct conversation *c, char mode, int64_t position, const char *thread,
	int most, size_t max_bytes, struct entry_line **out, int *count, int64_t *first, int64_t *last) MUST_CHECK;

/* One entry; ERR_NOT_FOUND when there is none (any more). */
enum err entries_one(struct db *d, struct arena *a, const struct conversation *c, int64_t position, struct entry_line *out) MUST_CHECK;

/* The last message of each of these conversations (numbers: a JSON array of theirs), in any order; those without one are left out. */
enum err entries_last_messages(
	struct db *d, struct arena *a, const char *numbers, int most, struct entry_line **out, int *count) MUST_CHECK;

/* Does the entry at position carry that mark? Position 0 carries c->birth, as long as nothing was erased. */
enum err entries_holds(struct db *d, const struct conversation *c, int64_t position, const char *mark, bool *holds) MUST_CHECK;

/* The mark of the log's end. */
enum err entries_end(struct db *d, const struct conversation *c, char mark[ENTRY_MARK_LEN + 1]) MUST_CHECK;

#endif
