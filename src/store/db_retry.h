/* What db.c and db_tx.c share about failing and trying again. */
#ifndef STORE_DB_RETRY_H
#define STORE_DB_RETRY_H

#include "store/db_driver.h"

#define DB_RETRIES 3

/* The contract's error for d->failure; OK when nothing failed. */
enum err db_failed(const struct db *d);

/* Before a call outside of a transaction: forgets the last failure. False: nobody could connect a moment ago; not even tried. */
bool db_gate(struct db *d);

/* Makes sure of a connection. Outside of a transaction. */
bool db_ready(struct db *d);
void db_disconnect(struct db *d);

/* After a failure: waits, and says whether to try once more. attempt counts from 0; since: when the first began (clock_mono_ms). */
bool db_again(struct db *d, int attempt, int64_t since_ms);

void db_sleep_ms(int64_t ms);

#endif
