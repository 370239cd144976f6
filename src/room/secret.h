/* The secret shared with MainServer: ROOM_JWT_SECRET, or the one that `room up` made and keeps in ROOM_STATE/secret (mode 0600). */
#ifndef ROOM_SECRET_H
#define ROOM_SECRET_H

#include <stdbool.h>

/* Puts the secret into our environment as ROOM_JWT_SECRET, for config_load and for children; makes the file when make is set and there is
 * none. False after saying why: there is no secret, or its file is readable by others. */
bool secret_provide(const char *state, bool make);

/* For commands that sign: loads the settings and the secret, so that tickets can be minted. False after saying why. */
bool secret_setup(void);

#endif
