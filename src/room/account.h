/* The user that lighttpd runs as, the one program here that reads what strangers send before anything has been checked. Started as root,
 * that is www-data, if it can reach what lighttpd needs (a clone under /root is closed to it); else whoever we are. */
#ifndef ROOM_ACCOUNT_H
#define ROOM_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>
#include "room/place.h"

struct account {
	bool other; /* another user than ourselves */
	uid_t uid;
	gid_t gid;
};

/* Chooses, and opens to that user what he needs: passage through the state and scratch folders, the folder of request bodies. */
void account_choose(struct account *a, const struct place *p);

/* Becomes that user for good; for a child between fork and exec. False when that fails. */
bool account_become(const struct account *a);

/* Gives a file to the account's group with this mode (when it is another user). */
bool account_share(const struct account *a, const char *path, mode_t mode);

#endif
