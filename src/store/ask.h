/* Asking Redis and waiting for the answer: for the worker's jobs, each of which has a connection driven by a thread of its own (store/redis.h). Never from
 * that thread's callbacks. Every call ends within the timeout (2 s). Answers are copies and live in the given arena.
 *
 *     args_init(&a);
 *     keys_conversation(&a, id);
 *     e = ask_script(w->redis, &w->arena, "due_look", &a, &t);
 *     if (e == OK && strcmp(told_text(told_at(t, 1)), "gone") == 0) …
 */
#ifndef STORE_ASK_H
#define STORE_ASK_H

#include "base/arena.h"
#include "store/redis.h"

struct told; /* an answer, or a part of one */

/* All take NULL and wrong kinds: then they give NULL, 0, "". */
const struct told *told_at(const struct told *t, size_t i);
size_t told_count(const struct told *t);
const char *told_text(const struct told *t); /* NUL-terminated; also of an integer */
size_t told_len(const struct told *t);
int64_t told_int(const struct told *t);

/* OK, or the code that the script answered with ({"GONE", …}: ERR_GONE, and *out is all of it); ERR_STORE_UNAVAILABLE: nobody answered, or Redis
 * loads, is full, not writable: whether it happened is unknown. ERR_INTERNAL: a mistake of ours. out may be NULL. */
enum err ask_script(struct redis *r, struct arena *a, const char *script, const struct args *args, const struct told **out) MUST_CHECK;

/* A plain command: OK whatever it answered but errors. ERR_CONFLICT: it is BGREWRITEAOF, and such a rewrite is under way. */
enum err ask_command(struct redis *r, struct arena *a, const struct args *args, const struct told **out) MUST_CHECK;

/* n calls of a script at once: fill makes the arguments of the i-th (args are initialised; it must not use the arena); answers to errs[i] and told[i]. */
void ask_scripts(struct redis *r, struct arena *a, const char *script, void (*fill)(void *ctx, size_t i, struct args *args), void *ctx,
	size_t n, enum err *errs, const struct told **told);

#endif
