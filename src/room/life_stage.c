/* The stage of `room life`: a folder, a service account's key, everybody outside, and a `room up` of this very program with settings of its own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/id.h"
#include "base/mac.h"
#include "chat/ticket.h"
#include "outside/fetch.h"
#include "room/command.h"
#include "room/file.h"
#include "room/life.h"
#include "room/place.h"
#include "room/spawn.h"

#define SELF "/proc/self/exe"
#define READY_MS 30000
#define END_MS 10000
#define ISSUER "firebase-adminsdk@reading-room.iam.gserviceaccount.com"
#define PROJECT "reading-room"
#define MODEL "gemini-played-1"

/* ---- the service account ---- */

static bool ended_well(pid_t pid)
{
	int status = -1;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool make_key(struct life *l)
{
	char *openssl = place_program("openssl"), *path = place_path("%s/key.pem", l->state);
	const char *argv[] = {openssl, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path, NULL};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct spawn s = {.argv = (char *const *)argv, .bare = true, .in = -1, .out = null};
	bool good = openssl && null >= 0 && ended_well(spawn(&s)) && (l->key_pem = file_read(path));

	if (!good)
		command_failed(openssl ? "openssl could not make a key" : "openssl is not installed (tools/install brings all)");
	if (null >= 0)
		close(null);
	free(openssl);
	free(path);
	return good;
}

static bool make_account(struct life *l)
{
	char *path = place_path("%s/account.json", l->state), *uri = place_path("http://127.0.0.1:%d/token", played_port(l->played));
	json_t *account = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "service_account", "project_id", PROJECT, "private_key_id",
		l->key_id, "private_key", l->key_pem, "client_email", ISSUER, "token_uri", uri);
	char *text = json_dumps(account, 0);
	bool good = text && file_replace(path, text, strlen(text));

	if (!good)
		command_failed("%s: %s", path, strerror(errno));
	setenv("ROOM_FCM_CREDENTIALS", path, 1);
	json_decref(account);
	free(text);
	free(uri);
	free(path);
	return good;
}

/* ---- settings ---- */

static void forget_settings(void)
{
	extern char **environ;

	for (char **entry = environ; *entry;) {
		char *name = strncmp(*entry, "ROOM_", 5) == 0 ? strndup(*entry, strcspn(*entry, "=")) : NULL;
		if (name)
			unsetenv(name); /* moves the others up */
		else
			entry++;
		free(name);
	}
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	setenv(name, text, 1);
}

static bool set_settings(struct life *l)
{
	char *outside = place_path("http://127.0.0.1:%d", played_port(l->played)), *ear = place_path("%s/webhooks/chat", outside);
	char secret[65];
	struct buf whsec;

	id_hex(secret, 64);
	buf_init(&whsec, 200);
	BUF_LIT(&whsec, "whsec_");
	mac_base64(&whsec, l->webhook_secret, strlen(l->webhook_secret));
	setenv("ROOM_STATE", l->state, 1);
	setenv("ROOM_PORT", "0", 1);
	setenv("ROOM_BIND", "127.0.0.1", 1);
	setenv("ROOM_JWT_SECRET", secret, 1);
	setenv("ROOM_ALLOW_HTTP", "1", 1);
	set_number("ROOM_TTL_S", LIFE_TTL_S);
	setenv("ROOM_FCM_URL", outside, 1);
	setenv("ROOM_GEMINI_URL", outside, 1);
	setenv("ROOM_GEMINI_KEY", l->gemini_key, 1);
	setenv("ROOM_GEMINI_MODEL", MODEL, 1);
	setenv("ROOM_WEBHOOK_URL", ear, 1);
	setenv("ROOM_WEBHOOK_SECRET", whsec.data, 1);
	explicit_bzero(secret, sizeof secret);
	buf_done(&whsec);
	free(ear);
	free(outside);
	return make_account(l) && config_load() == 0;
}

/* ---- the service ---- */

static bool ready(struct life *l)
{
	char *path = place_path("%s/up.log", l->state), *text = file_read(path), *at = text ? strstr(text, "ready http://") : NULL;

	if (at && strchr(at, '\n') && (at == text || at[-1] == '\n')) {
		l->base = place_path("%.*s", (int)strcspn(at + 6, "\r\n"), at + 6);
		l->port = atoi(strrchr(l->base, ':') + 1);
	} else if (waitpid(l->service, NULL, WNOHANG) == l->service) {
		l->service = 0;
	}
	free(text);
	free(path);
	return l->base || l->service == 0;
}

/* Once more by its number: localhost may lead elsewhere first. */
static void use_number(struct life *l)
{
	free(l->base);
	l->base = place_path("http://127.0.0.1:%d", l->port);
}

static bool start_service(struct life *l)
{
	char *path = place_path("%s/up.log", l->state);
	char *argv[] = {(char[]){SELF}, (char[]){"up"}, NULL};
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct spawn s = {.argv = argv, .in = -1, .out = log};
	char *said;

	l->service = log >= 0 ? spawn(&s) : -1;
	if (log >= 0)
		close(log);
	if (l->service > 0 && life_wait(l, ready, READY_MS) && l->base) {
		use_number(l);
		free(path);
		return true;
	}
	said = file_read(path);
	if (!l->stop)
		command_failed("the service does not start: %s", said ? said : strerror(errno));
	free(said);
	free(path);
	return false;
}

static bool make_folder(struct life *l)
{
	const char *parent = getenv("TMPDIR");

	l->state = place_path("%s/room-life-XXXXXX", parent && *parent == '/' ? parent : "/tmp");
	if (mkdtemp(l->state))
		return true;
	command_failed("%s: %s", l->state, strerror(errno));
	free(l->state);
	l->state = NULL;
	return false;
}

bool life_stage(struct life *l)
{
	const char *why = NULL;

	forget_settings();
	if (!make_folder(l) || !make_key(l))
		return false;
	id_hex(l->gemini_key, 32);
	id_hex(l->webhook_secret, 32);
	id_hex(l->key_id, 40);
	l->terms = (struct played_terms){.issuer = ISSUER,
		.project = PROJECT,
		.key_id = l->key_id,
		.key_pem = l->key_pem,
		.gemini_key = l->gemini_key,
		.model = MODEL,
		.webhook_secret = l->webhook_secret,
		.push_text = "You have a new message"};
	fetch_setup();
	l->played = played_start(&l->terms);
	if (!l->played)
		return command_failed("no port to play Google on: %s", strerror(errno)), false;
	if (!set_settings(l))
		return false;
	if (ticket_setup(&why) != OK)
		return command_failed("%s", why), false;
	return start_service(l);
}

/* ---- taking it down ---- */

static void end_service(pid_t pid)
{
	int64_t deadline = clock_mono_ms() + END_MS;

	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (clock_mono_ms() > deadline) {
			kill(pid, SIGKILL); /* its children go with it */
			deadline = INT64_MAX;
		}
		usleep(20000);
	}
}

void life_strike(struct life *l)
{
	listener_close(l->student);
	listener_close(l->counselor);
	if (l->service > 0)
		end_service(l->service);
	played_stop(l->played);
	if (l->state)
		place_remove(l->state);
	if (l->key_pem)
		explicit_bzero(l->key_pem, strlen(l->key_pem));
	json_decref(l->made);
	free(l->key_pem);
	free(l->state);
	free(l->base);
	config_done();
}

/* ---- running a command of ours ---- */

int life_run(const char *const *words, const char *input)
{
	const char *argv[8] = {SELF};
	int in[2], out[2], status = -1;
	struct spawn s = {.argv = (char *const *)argv};
	char *line = NULL;
	size_t room = 0;
	FILE *said;
	pid_t pid;

	for (int i = 0; i < 6 && words[i]; i++)
		argv[i + 1] = words[i];
	if (pipe2(in, O_CLOEXEC) != 0)
		return -1;
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return -1;
	}
	s.in = in[0];
	s.out = out[1];
	pid = spawn(&s);
	close(in[0]);
	close(out[1]);
	if (write(in[1], input, strlen(input)) < 0) /* a pipe takes it at once */
		status = -1;
	close(in[1]);
	said = fdopen(out[0], "r");
	while (said && getline(&line, &room, said) >= 0)
		printf("                     %s", line);
	free(line);
	if (said)
		fclose(said);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
