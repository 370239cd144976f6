/* Messages per time: two windows, each beginning with its first message (ROOM_SENDS, ROOM_SENDS_BURST), as store/lua/_participant.lua counts them for sessions.
 * Kept as a short text beside whom it limits. CPU only; any thread. */
#ifndef CHAT_RATE_H
#define CHAT_RATE_H

#include <stdint.h>

#define RATE_TEXT_MAX 96

/* One message more at now. 0: it may go, and next is what is to be kept; else ms to wait (next is untouched). text: what was kept, "" nothing. */
int64_t rate_take(const char *text, int64_t now, char next[RATE_TEXT_MAX]);

#endif
