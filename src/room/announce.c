/* The child of `room up` that waits until a real GET /health through lighttpd says that all is well, then prints the ready line; for the demo it makes a session
 * and prints the links too. A process of its own, so that the supervisor never waits for anybody. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/id.h"
#include "chat/ticket.h"
#include "room/client.h"
#include "room/command.h"
#include "room/demo.h"
#include "room/spawn.h"
#include "room/up.h"

#define ASK_EACH_US 30000
#define PATIENCE_MS 10000 /* then we say what we are waiting for, once */

static bool healthy(const struct up *u, struct answer *a)
{
	char *url = place_path("%s/health", u->probe_url);
	struct fetch f = {.url = url, .this_machine = true, .timeout_ms = 3000, .max_bytes = 65536};
	bool good = fetch_run(&f, a) == OK && a->status == 200 && a->body.data && strstr(a->body.data, "\"status\":\"ok\"");

	free(url);
	return good;
}

static void wait_healthy(const struct up *u)
{
	int64_t start = clock_mono_ms();
	bool said = false;

	for (;;) {
		struct answer a;
		bool good = healthy(u, &a);
		if (!good && !said && clock_mono_ms() - start > PATIENCE_MS) {
			said = true;
			fprintf(stderr, "room: still waiting for GET %s/health (%s, status %d); the logs are in %s/logs\n", u->probe_url,
				*a.why ? a.why : "answered", a.status, u->place.state);
		}
		fetch_answer_done(&a);
		if (good)
			return;
		usleep(ASK_EACH_US);
	}
}

/* A session between two people who don't exist, and how to be each of them. */
static bool print_demo(const struct up *u)
{
	const char *base = config_public_url(), *student, *counselor, *id, *trust = config_number("ROOM_TLS") ? "-k " : "";
	char student_id[64], counselor_id[64];
	json_t *body, *made = NULL, *tickets;
	bool good;

	id_new(student_id, "anon_");
	id_new(counselor_id, "counselor_");
	body = json_pack("{s:s, s:s}", "studentAnonymousId", student_id, "counselorId", counselor_id);
	good = client_create_session(u->probe_url, true, body, &made);
	json_decref(body);
	tickets = json_object_get(made, "tickets");
	id = json_string_value(json_object_get(made, "sessionId"));
	student = json_string_value(json_object_get(tickets, "student"));
	counselor = json_string_value(json_object_get(tickets, "counselor"));
	good = good && id && student && counselor;
	if (good) {
		printf("ready %s\n", base);
		printf("student: %s/#ticket=%s\n", base, student);
		printf("counselor: %s/#ticket=%s\n", base, counselor);
		printf("curl -N %s-H 'Authorization: Bearer %s' %s/api/conversations/%s/events\n", trust, counselor, base, id);
		good = demo_chat(u->probe_url, base);
	}
	json_decref(made);
	return good;
}

pid_t announce(const struct up *u)
{
	pid_t parent = getpid(), pid;
	bool good = true;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	spawn_prepare(parent);
	signal(SIGPIPE, SIG_DFL);
	fetch_setup();
	wait_healthy(u);
	if (u->demo)
		good = print_demo(u);
	else
		printf("ready %s\n", config_public_url());
	fflush(NULL);
	_exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}
