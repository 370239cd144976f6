#include "store/keys.h"

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
	unsigned b = keys_bucket(conversation);

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		args_printf(a, "{%u}:conv:%s%s", b, conversation, parts[i]);
	args_printf(a, "{%u}:gone:%s", b, conversation);
	args_printf(a, "{%u}:due", b);
	args_printf(a, "{%u}:push", b);
	args_printf(a, "{%u}:audit", b);
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
