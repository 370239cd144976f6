/* The sealing keys: ROOM_KEYS, or the one that `room up` made and keeps in ROOM_STATE/keys (mode 0600, the form of ROOM_KEYS). */
#ifndef ROOM_KEYS_H
#define ROOM_KEYS_H

#include <stdbool.h>

/* Puts the keys into our environment as ROOM_KEYS, for children and for seal_setup (read the settings again after it: config_done, config_load);
 * makes the file when make is set and there is none. True also when there are none and none were to be made. False after saying why: the file is
 * readable by others, or what it holds is wrong. */
bool keys_provide(const char *state, bool make);

#endif
