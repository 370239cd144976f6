/* Names of Redis keys (design §8). The bucket {b} is a hash of the conversation's id modulo ROOM_BUCKETS, and the hash tag of every key of a conversation. */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "store/redis.h"

unsigned keys_bucket(const char *conversation);
unsigned keys_buckets(void); /* ROOM_BUCKETS */

/* Adds the 12 KEYS that every script of a conversation takes, in the order of store/lua/_conversation.lua. a must be empty. */
void keys_conversation(struct args *a, const char *conversation);

/* Adds {b}:hub:<hub>, {b}:hubs, {b}:hub:<hub>:inbox, {b}:hub:<hub>:convs. a must be empty. */
void keys_hub(struct args *a, unsigned bucket, const char *hub);

/* Adds {b}:desk:<counselor>, {b}:desk:<counselor>:hubs: a counselor's conversations in that bucket, and the hubs that hold a desk of theirs. a must be empty. */
void keys_desk(struct args *a, unsigned bucket, const char *counselor);

/* Adds {b}:hub:<hub>:inbox as one word more. */
void keys_inbox(struct args *a, unsigned bucket, const char *hub);

#endif
