/* Who is in a lasting conversation: changes. All run within db_write, the conversation being locked (conversations_lock); reads may stand alone. May block. */
#ifndef STORE_MEMBERS_H
#define STORE_MEMBERS_H

#include "store/conversations.h"

/* Puts him in, with everything so far read. *added false: he is in it already, and nothing changed. */
enum err members_add(
	struct db *d, const struct conversation *c, const char *participant, const char *role, int64_t now, bool *added) MUST_CHECK;

/* Takes him out. ERR_NOT_FOUND when he is not in it. */
enum err members_remove(struct db *d, const struct conversation *c, const char *participant, int64_t now) MUST_CHECK;

enum err members_role(struct db *d, const struct conversation *c, const char *participant, const char *role) MUST_CHECK;
enum err members_silence(struct db *d, const struct conversation *c, const char *participant, int64_t until) MUST_CHECK;

/* His own affair: needs no lock. */
enum err members_mute(struct db *d, int64_t n, const char *participant, bool muted) MUST_CHECK;

/* How many are in it, and how many of them have that role (NULL: anyone). */
enum err members_count(struct db *d, int64_t n, const char *role, int64_t *out) MUST_CHECK;

/* Whoever has been in it longest, in the arena; NULL when nobody is. */
enum err members_eldest(struct db *d, struct arena *a, int64_t n, const char **participant) MUST_CHECK;

/* Any conversation that he is in, by its id (in the arena). ERR_NOT_FOUND: none. */
enum err members_conversation_of(struct db *d, struct arena *a, const char *participant, const char **id) MUST_CHECK;

/* A page in the order they joined, after that one (joined_at 0: from the beginning); read_member's columns but the rate. */
enum err members_page(struct db *d, struct arena *a, int64_t n, int64_t joined_at, const char *participant, int most, struct member **out,
	int *count) MUST_CHECK;

#endif
