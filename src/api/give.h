/* Handing a file out, wherever its bytes are: lighttpd sends what lies here (X-Sendfile), what is in a store comes through us. */
#ifndef API_GIVE_H
#define API_GIVE_H

#include "http/exchange.h"
#include "store/vault.h"

/* Answers x with the file. shown: its JSON (chat/file.h); key "-": its bytes lie here, else sealed in the store (outside/depot.h). Texts are borrowed. Never blocks. */
void give(struct exchange *x, enum vault in, const char *conversation, const char *blob, const char *key, const char *shown);

#endif
