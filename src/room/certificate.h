/* The self-signed certificate of ROOM_TLS=1. */
#ifndef ROOM_CERTIFICATE_H
#define ROOM_CERTIFICATE_H

#include <stdbool.h>
#include "room/account.h"

/* Makes path (key and certificate in one PEM file, for localhost and the host of ROOM_URL) unless it is there and good for another week.
 * False after saying why. Runs openssl and waits for it. */
bool certificate_provide(const char *path, const struct account *account);

#endif
