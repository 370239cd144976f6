/* Threads beside the main one: signals are for that, so they start with all of them blocked. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* As pthread_create: 0, or the error's number. */
int thread_start(pthread_t *out, void *(*fn)(void *ctx), void *ctx);

#endif
