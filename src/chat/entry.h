/* Entries of a log as the store keeps them (the lines are described in store/lua/_conversation.lua), and what readers are told of them.
 * Pure functions; an entry borrows the bytes it was parsed from. */
#ifndef CHAT_ENTRY_H
#define CHAT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/id.h"
#include "base/span.h"
#include "chat/cursor.h"

struct message {
	int64_t id;
	struct span check;
	struct span sent_at, sender, role;
	struct span refs;                  /* JSON members: "type":…[,"clientId":…][,"replyTo":…][,"threadId":…] */
	struct span content, metadata;     /* JSON; empty when deleted, or none */
	struct span files;                 /* JSON array; empty when there are none, or deleted */
	struct span edited_at, deleted_at; /* empty = not */
};

enum entry_kind { ENTRY_MESSAGE, ENTRY_EDITED, ENTRY_DELETED, ENTRY_EVENT };

struct entry {
	enum entry_kind kind;
	struct cursor cursor;    /* its own place in the log */
	struct message message;  /* the message itself, or for a marker the marked one as it is now */
	struct span event, data; /* ENTRY_EVENT: name and JSON */
};

/* Parses the entry at position (markers expanded as readers get them). False when it is none of ours. */
bool entry_parse(struct entry *out, int64_t position, const char *bytes, size_t len);

/* A message's metadata as logs keep it has its files in front: "<bytes of the array><array><metadata>". What begins otherwise is metadata alone. */
void metadata_split(struct span kept, struct span *files, struct span *metadata);
void metadata_join(struct buf *b, struct span files, const char *metadata); /* metadata NULL or "": none */

/* Appends the contract's message object. A deleted one carries no content. expires_at > 0 adds the deadline. */
void message_json(struct buf *b, const char *conversation, const struct message *m, int64_t expires_at);

/* The event's name and its data for a reader: what the entry is now, so a deleted message replays as message:deleted. The name is valid
 * as long as the entry. */
const char *entry_event(const struct entry *e, char name[32]);
void entry_data(struct buf *b, const char *conversation, const struct entry *e, int64_t expires_at);

#endif
