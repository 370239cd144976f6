/* `room life`: the stage (life_stage.c: a private service, everybody outside played), the walk (life_walk.c) and what is looked at afterwards (life_after.c). */
#ifndef ROOM_LIFE_H
#define ROOM_LIFE_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "room/listener.h"
#include "room/played.h"

#define LIFE_TTL_S 12
#define LIFE_WORDS 6

struct life {
	atomic_bool stop; /* Ctrl-C */
	int64_t began_ms;
	int failed; /* expectations that did not hold */

	char *state, *base, *key_pem;
	pid_t service;
	int port;
	struct played *played;
	struct played_terms terms;
	char gemini_key[40], webhook_secret[33], key_id[41];

	const char *session; /* of `made` */
	json_t *made;        /* what MainServer was answered */
	struct listener *student, *counselor;
	char marks[LIFE_WORDS][25]; /* stands in each message: unlike the sentence it occurs nowhere else */
	json_int_t ids[LIFE_WORDS];
	char student_id[64], counselor_id[64], case_ref[64], device[64];
	int64_t deadline_ms;
};

/* Prints a line: when, who, what. held false: says so, and counts. Returns held. */
bool life_say(struct life *l, bool held, const char *who, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Waits until ready(l) is true. False: time is up, or Ctrl-C. */
bool life_wait(struct life *l, bool (*ready)(struct life *l), int within_ms);

/* life_stage.c: false after saying why. life_strike takes down whatever is up, and all files. */
bool life_stage(struct life *l);
void life_strike(struct life *l);

/* Runs this very program with these words, its input the lines of `input`; prints what it says, indented. Its exit code, or -1. */
int life_run(const char *const *words, const char *input);

void life_walk(struct life *l);  /* from the token to the deadline */
void life_after(struct life *l); /* ledger, webhooks, pushes, residue */

#endif
