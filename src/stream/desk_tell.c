/* What a desk's readers are told. See desk.h. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "stream/desk.h"

enum { LIST_BYTES = 4 * 1024 * 1024 };

void desk_tell(struct desk *d, const char *event, const char *data, size_t len)
{
	for (struct reader *r = d->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->state != READER_LIVE)
			continue;
		if (r->poll)
			reader_kick(r); /* it gets the whole list */
		else
			answer_event(r, NULL, event, data, len);
	}
}

void desk_tell_removed(struct desk *d, const char *conversation, const char *why)
{
	char data[ID_MAX + 80];
	int n = snprintf(data, sizeof data, "{\"conversationId\":\"%s\",\"reason\":\"%s\"}", conversation, why);

	desk_tell(d, "desk:removed", data, (size_t)n);
}

/* It passes: whoever comes later asks for the list of summaries. */
void desks_summary(struct hub *h, const char *counselor, const char *conversation, const char *state, int64_t at_ms)
{
	struct desk *d = desk_find(h, counselor);
	char data[ID_MAX + 100];
	int n = snprintf(data, sizeof data, "{\"conversationId\":\"%s\",\"status\":\"%s\",\"at\":%lld}", conversation, state, (long long)at_ms);

	if (d == NULL || h->stopping)
		return;
	for (struct reader *r = d->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->state == READER_LIVE)
			answer_event(r, NULL, "desk:summary", data, (size_t)n);
	}
}

static void write_list(struct buf *b, const struct desk *d)
{
	const char *comma = "";

	BUF_LIT(b, "{\"sessions\":[");
	for (const struct row *w = d->rows; w != NULL; w = w->next) {
		if (w->json == NULL)
			continue;
		buf_str(b, comma);
		buf_str(b, w->json);
		comma = ",";
	}
	BUF_LIT(b, "],\"at\":");
	buf_int(b, clock_now_ms());
	buf_char(b, '}');
}

/* Names what the list is now, whatever the order of its rows. */
static void print_list(char out[17], const struct desk *d)
{
	uint64_t sum = 1469598103934665603U;

	for (const struct row *w = d->rows; w != NULL; w = w->next)
		if (w->json != NULL)
			sum += id_fnv(w->json, strlen(w->json)) * 0x9e3779b97f4a7c15U;
	snprintf(out, 17, "%016llx", (unsigned long long)sum);
}

void desk_answer_list(struct reader *r)
{
	struct buf data;
	char print[17];

	r->state = READER_LIVE;
	if (r->poll) {
		r->begun = true;
		print_list(print, r->desk);
		if (strcmp(print, r->arrival->conversation) != 0)
			reader_kick(r);
		reader_started(r);
		return;
	}
	buf_init(&data, LIST_BYTES);
	write_list(&data, r->desk);
	answer_begin(r);
	r->out.max = data.len + OUT_MOST; /* a long list is no slow reader */
	answer_event(r, NULL, "ready", data.data, data.len);
	buf_done(&data);
	reader_arrived(r);
	reader_started(r);
}

void desk_answer_poll(struct reader *r)
{
	struct buf body;
	char print[17];
	const struct buf *events = &r->arrival->events;

	print_list(print, r->desk);
	buf_init(&body, LIST_BYTES);
	BUF_LIT(&body, "{\"events\":[");
	buf_add(&body, events->data, events->len);
	if (strcmp(print, r->arrival->conversation) != 0) {
		buf_str(&body, events->len > 0 ? "," : "");
		BUF_LIT(&body, "{\"event\":\"ready\",\"data\":");
		write_list(&body, r->desk);
		buf_char(&body, '}');
	}
	BUF_LIT(&body, "],\"cursor\":\"");
	buf_str(&body, print);
	BUF_LIT(&body, "\"}");
	desk_part(r);
	exchange_json(r->x, 200, &body);
	buf_done(&body);
	r->x = NULL;
	r->fd = -1;
	r->state = READER_ENDING;
}
