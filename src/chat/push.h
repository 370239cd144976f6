/* Pushes as the live store knows them, for GET /metrics: the worker, who sends them, has no address to ask. */
#ifndef CHAT_PUSH_H
#define CHAT_PUSH_H

/* Brings the gauges room_push_due and room_push_dead_letters up to date, then calls done, on the store's reply thread; without an answer from
 * Redis, within its timeout, they stay as they are. */
void push_measure(void (*done)(void *ctx), void *ctx);

#endif
