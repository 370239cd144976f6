/* `room doctor`'s checks, a file per subject. Each looks and reports; none changes anything but for a session of its own, which it erases. */
#ifndef ROOM_DOCTOR_H
#define ROOM_DOCTOR_H

#include <jansson.h>
#include "room/place.h"

/* FINE; ADVICE: works, could be better; BAD: breaks a promise, or will under load: exit code 1; SKIPPED: could not be looked at. */
enum finding { FINDING_FINE, FINDING_ADVICE, FINDING_BAD, FINDING_SKIPPED };

struct patient {
	struct place place;
	json_t *running;  /* room.json of a living `room up`, or NULL */
	char *redis;      /* address, or NULL: there is none to look at */
	json_t *findings; /* [{"check", "finding", "seen", "advice"}] */
	int bad;
};

/* seen: what was found. advice: what to change; NULL when there is nothing to. */
void doctor_report(struct patient *p, enum finding finding, const char *check, const char *advice, const char *seen, ...)
	__attribute__((format(printf, 5, 6)));

void doctor_machine(struct patient *p); /* descriptors, kernel settings, swap */
void doctor_files(struct patient *p);   /* tmpfs, permissions, core dumps */
void doctor_redis(struct patient *p);   /* version, policy, what it keeps, clock */
void doctor_stream(struct patient *p);  /* a real session, a real stream through lighttpd */

#endif
