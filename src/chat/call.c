#include "chat/call.h"

#include <string.h>

#include "base/config.h"
#include "store/keys.h"

void call_hex(struct args *a, size_t n)
{
	char hex[33];

	id_hex(hex, n);
	args_printf(a, "%s", hex);
}

void call_mark(struct args *a, const char *request)
{
	char hex[2 * ID_CHECK_LEN + 1];

	id_hex(hex, 2 * ID_CHECK_LEN);
	args_printf(a, "%s%s", hex, request);
}

void call_participant(struct args *a, const struct ticket *by)
{
	args_init(a);
	keys_conversation(a, by->conversation);
	args_str(a, by->participant);
	args_str(a, by->side);
	args_str(a, by->role);
	args_int(a, by->acts);
	call_mark(a, by->request);
}

void call_rates(struct args *a)
{
	int64_t count, seconds;

	config_rate("ROOM_SENDS", &count, &seconds);
	args_int(a, count);
	args_int(a, seconds * 1000);
	config_rate("ROOM_SENDS_BURST", &count, &seconds);
	args_int(a, count);
	args_int(a, seconds * 1000);
}

enum err call_err(const struct reply *r, int *retry_after_s)
{
	enum err e = reply_err(r);

	if (e == ERR_RATE_LIMITED && retry_after_s != NULL)
		*retry_after_s = (int)((reply_int(reply_at(r, 1)) + 999) / 1000);
	return e;
}

enum err call_hub_err(const struct reply *r, bool *no_lease)
{
	*no_lease = strcmp(reply_text(reply_at(r, 0), NULL), "NO_LEASE") == 0;
	return *no_lease ? ERR_STORE_UNAVAILABLE : call_err(r, NULL);
}

void call_cursor(struct args *a, const struct cursor *c)
{
	if (c != NULL)
		args_int(a, c->position);
	else
		args_str(a, "");
	args_str(a, c != NULL ? c->check : "");
}

void call_leave(struct args *a, const char *participant, const char *hub, int held, int readers, int64_t left_ms_ago)
{
	args_str(a, participant);
	args_str(a, hub);
	args_int(a, held);
	args_int(a, readers);
	if (left_ms_ago >= 0)
		args_int(a, left_ms_ago);
	else
		args_str(a, "");
}
