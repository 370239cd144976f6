/* What the scenarios of the load generator share: where the server is, how one figure is reported, and the sessions a
 * scenario creates for itself. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hist.h"
#include "pool.h"
#include "procs.h"
#include "reader.h"

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

/* Stands before the number of a message in its clientId, by which readers know it. */
#define MESSAGE_MARK "\"bench-"

struct bench {
	struct sockaddr_in addr;
	const char *room_json; /* the processes to account for */
	double seconds;        /* how long the scenarios that last measure */
	size_t senders;        /* connections that send */
	double rate;           /* paced: sends a second */
	size_t streams;        /* readers; 0: the scenario's own number */
	const char *seed;      /* lasting: what tests/drivers/seed said */
	bool poisson;          /* paced: at random instants of that rate instead of even ones */
	struct procs procs;
	struct hist hist; /* the scenario's latencies */
};

/* One figure for the table: "| what | floor | measured | verdict |" on standard output. met is ignored where floor is NULL. */
void figure(const char *what, const char *floor, bool met, const char *measured, ...) __attribute__((format(printf, 4, 5)));

/* One line of explanation on standard error. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Something that makes every figure meaningless (a wrong answer, a lost message): counted, told, and the run fails. */
void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "12.3 ms" into a buffer of its own, eight of which live at a time. */
const char *ms(uint64_t ns);

struct side {
	char *ticket;
	char *request; /* a prepared POST of a message; the number is put in at two places */
	size_t request_len, number_at[2];
};

struct session {
	char id[72];
	struct side side[2];           /* student, counselor */
	uint64_t acked, sum, position; /* sends answered, sum of their numbers, highest position answered */
};

/* Creates sessions over HTTP, with prepared requests for both sides; exits when the server refuses. */
struct session *sessions_new(struct bench *b, size_t n);
void sessions_free(struct session *s, size_t n);

/* Opens both sides' streams of n sessions, at most so many at a time, until all are ready; exits when one fails. */
void sessions_read(struct bench *b, struct session *s, size_t n, struct readers *all, size_t at_a_time);

/* Puts the number of a message into the prepared request of a side. */
const char *numbered(struct side *side, uint32_t seq, size_t *len);

/* Counts a reply to a send; false when it is not the 201 or 200 it should be. */
bool count_ack(struct session *s, uint32_t seq, const struct reply *reply);

/* After the last send was answered: waits up to ten seconds until every reader has read as far as was answered, then holds what each
 * reader got against what was answered. true when every message reached both ends of its session, once. */
bool sessions_agree(struct session *s, size_t n, struct readers *all);

void scenario_machine(struct bench *b);
void scenario_empty(struct bench *b);
void scenario_sends(struct bench *b);
void scenario_paced(struct bench *b);
void scenario_burst(struct bench *b);
void scenario_history(struct bench *b);
void scenario_lasting(struct bench *b);

/* empty.c: a FastCGI program that answers every request with an empty 204, on a unix socket that it makes. */
int empty_main(const char *path);

#endif
