#include "store/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/id.h"

unsigned keys_buckets(void)
{
	static unsigned count;

	if (count == 0)
		count = (unsigned)config_number("ROOM_BUCKETS");
	return count;
}

unsigned keys_bucket(const char *conversation)
{
	return keys_buckets() == 1 ? 0 : (unsigned)(id_fnv(conversation, strlen(conversation)) % keys_buckets());
}

void keys_conversation(struct args *a, const char *conversation)
{
	static const char *const parts[] = {"", ":log", ":sent", ":hubs", ":present", ":read", ":delivered", ":device"};
	static const char *const others[] = {"due", "push", "audit"};
	char stem[ID_MAX + 32];
	int tag = snprintf(stem, sizeof stem, "{%u}:", keys_bucket(conversation));
	size_t len = (size_t)snprintf(stem + tag, sizeof stem - (size_t)tag, "conv:%s", conversation) + (size_t)tag;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		args_join(a, stem, len, parts[i], strlen(parts[i]));
	args_printf(a, "{%u}:gone:%s", keys_bucket(conversation), conversation);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		args_join(a, stem, (size_t)tag, others[i], strlen(others[i]));
	a->keys = a->count;
}

void keys_desk(struct args *a, unsigned bucket, const char *counselor)
{
	args_printf(a, "{%u}:desk:%s", bucket, counselor);
	args_printf(a, "{%u}:desk:%s:hubs", bucket, counselor);
	a->keys = a->count;
}

void keys_inbox(struct args *a, unsigned bucket, const char *hub)
{
	args_printf(a, "{%u}:hub:%s:inbox", bucket, hub);
}

void keys_hub(struct args *a, unsigned bucket, const char *hub)
{
	args_printf(a, "{%u}:hub:%s", bucket, hub);
	args_printf(a, "{%u}:hubs", bucket);
	keys_inbox(a, bucket, hub);
	args_printf(a, "{%u}:hub:%s:convs", bucket, hub);
	a->keys = a->count;
}
