/* What `room up --demo` makes beside its session: two users of the chat application, who have been talking already. */
#ifndef ROOM_DEMO_H
#define ROOM_DEMO_H

#include <stdbool.h>

/* Makes Ada's and Ben's conversations on the service at probe_url, unless an earlier start on the same database did, and prints a link for each of the two
 * at base. False after saying why not. */
bool demo_chat(const char *probe_url, const char *base);

#endif
