/* See lasting.h. */
#include <stdlib.h>
#include <string.h>

#include "api/guard.h"
#include "api/lasting.h"
#include "store/conversations.h"

struct job {
	struct exchange *exchange;
	void (*fn)(struct db *d, struct exchange *x);
};

static void run(struct db *d, void *ctx)
{
	struct job *j = ctx;

	if (d)
		j->fn(d, j->exchange);
	else
		answer_error(j->exchange, ERR_STORE_UNAVAILABLE, NULL, 0);
}

void lasting_run(struct exchange *x, void (*fn)(struct db *d, struct exchange *x))
{
	struct job *j = arena_alloc(&x->arena, sizeof *j);
	enum err e;

	*j = (struct job){x, fn};
	e = dbpool_run(run, j);
	if (e != OK)
		answer_error(x, e, NULL, 0);
}

const char *lasting_person(struct body *b, const char *name)
{
	const char *id = body_id(b, name, true);

	if (id && strcmp(id, TICKET_SYSTEM) == 0)
		body_wrong(b, ERR_BAD_REQUEST, "%s must be somebody: that is nobody's id.", name);
	return id;
}

void lasting_run_body(struct exchange *x, struct body *b, void (*fn)(struct db *d, struct exchange *x))
{
	if (guard_body(x, b))
		lasting_run(x, fn);
}

bool lasting_service_refused(struct exchange *x)
{
	const struct ticket *by = ticket_of(x);
	bool refused = by->kind == TICKET_SERVICE && strncmp(by->conversation, CONVERSATION_ID_PREFIX, strlen(CONVERSATION_ID_PREFIX)) != 0;

	if (refused)
		answer_error(x, ERR_FORBIDDEN, "This token is no participant's ticket.", 0);
	return refused;
}

bool lasting_read_after(const struct request *r, int64_t *at, const char **id)
{
	const char *text;
	size_t digits;

	*id = "";
	if (request_query(r, "after", &text) != OK)
		return false;
	if (!text)
		return true;
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 15 || *text == '0' || text[digits] != '-' || !id_valid(text + digits + 1, strlen(text + digits + 1)))
		return false;
	*at = strtoll(text, NULL, 10);
	*id = text + digits + 1;
	return true;
}
