/* `room up`: makes folders, secret, sockets and command lines, then hands over to the loop (supervise.c), and clears up after it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/config.h"
#include "base/seal.h"
#include "chat/ticket.h"
#include "room/command.h"
#include "room/database.h"
#include "room/file.h"
#include "room/keys.h"
#include "room/secret.h"
#include "room/spawn.h"
#include "room/sweep.h"
#include "room/up.h"

static const char usage[] =
	"usage: room up [--demo]\n"
	"\n"
	"Runs a whole Reading Room in the foreground: a private Redis (unless ROOM_REDIS names one), the REST\n"
	"handlers, the hubs and lighttpd. What dies is started again. SIGTERM or Ctrl-C ends everything; SIGHUP\n"
	"(or `room reload`) replaces all but Redis without turning anybody away. When all is up it prints one\n"
	"line, `ready <address>`.\n"
	"\n"
	"  --demo   also make a session, and print a link for each side and a curl line that follows the stream; and two users of\n"
	"           the chat application, with a link for each\n"
	"\n"
	"Settings: ROOM_PORT, ROOM_BIND, ROOM_STATE, ROOM_TLS, ROOM_JWT_SECRET and all others that `room config` lists.\n"
	"ROOM_STATE gets sockets, logs/, room.json and, when ROOM_JWT_SECRET is unset, the file secret.\n"
	"\n"
	"exit codes: 0 ended as told, 1 failed, 2 wrong usage, 3 the port or the state folder is in use\n";

/* Locks the state folder for as long as we live; the descriptor stays open. 0, or the exit code after saying why. */
static int lock_state(const char *state, int *fd)
{
	char *path = place_path("%s/room.lock", state), pid[32];
	int code = 0;
	ssize_t len;

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0) {
		code = command_failed("%s: %s", path, strerror(errno));
	} else if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
		len = read(*fd, pid, sizeof pid - 1);
		pid[len > 0 ? len : 0] = '\0';
		command_failed(
			"another `room up` (pid %s) uses %s: end it, or choose another folder with ROOM_STATE", len > 0 ? pid : "unknown", state);
		close(*fd);
		*fd = -1;
		code = COMMAND_IN_USE;
	} else {
		len = snprintf(pid, sizeof pid, "%d", (int)getpid());
		if (ftruncate(*fd, 0) != 0 || pwrite(*fd, pid, (size_t)len, 0) != len)
			code = command_failed("%s: %s", path, strerror(errno));
	}
	free(path);
	return code;
}

static int raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 1000000 ? 1000000 : (int)limit.rlim_cur;
}

static bool open_logs(struct up *u)
{
	for (enum child_kind kind = 0; kind < CHILD_KINDS; kind++) {
		char *path = place_path("%s/logs/%s.log", u->place.state, child_name(kind));
		u->logs[kind] = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (u->logs[kind] < 0)
			command_failed("%s: %s", path, strerror(errno));
		free(path);
		if (u->logs[kind] < 0)
			return false;
	}
	return scrub_init(&u->scrub, u->logs[CHILD_LIGHTTPD]) || !command_failed("pipe: %s", strerror(errno));
}

/* The access log, where wanted, is opened by lighttpd itself: it must be able to. */
static bool make_access_log(struct up *u)
{
	char *logs = place_path("%s/logs", u->place.state), *path = place_path("%s/access.log", logs);
	bool good = true;

	if (config_number("ROOM_ACCESS_LOG")) {
		int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		good = fd >= 0 && (!u->account.other || fchown(fd, u->account.uid, u->account.gid) == 0) && account_share(&u->account, logs, 0710);
		if (!good)
			command_failed("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	free(path);
	free(logs);
	return good;
}

static bool open_sockets(struct up *u)
{
	char *api = place_path("%s/api.sock", u->place.state), *stream = place_path("%s/stream.sock", u->place.state);

	u->sockets[CHILD_API] = listen_unix(api, &u->account);
	u->sockets[CHILD_HUB] = listen_unix(stream, &u->account);
	free(api);
	free(stream);
	return u->sockets[CHILD_API] >= 0 && u->sockets[CHILD_HUB] >= 0;
}

/* Where we reach ourselves: an address that lighttpd really listens on. */
static char *probe_url(const struct up *u)
{
	const char *bind = config_text("ROOM_BIND"), *scheme = config_number("ROOM_TLS") ? "https" : "http";

	if (strcmp(bind, "*") == 0 || strcmp(bind, "localhost") == 0)
		bind = "127.0.0.1";
	return place_path(strchr(bind, ':') ? "%s://[%s]:%d" : "%s://%s:%d", scheme, bind, u->tcp.port);
}

/* Children are told through the environment what was decided here; we read it back, so that all of us go by the same settings. */
static bool publish_settings(struct up *u)
{
	char *redis = place_path("unix:%s/redis.sock", u->place.state), *port = place_path("%d", u->tcp.port);

	setenv("ROOM_PORT", port, 1);
	setenv("ROOM_STATE", u->place.state, 1);
	setenv("ROOM_WEB", u->place.web, 1);
	place_publish_files(&u->place);
	if (u->private_redis)
		setenv("ROOM_REDIS", redis, 1);
	free(redis);
	free(port);
	config_done();
	return config_load() == 0;
}

static bool find_programs(struct up *u, int max_fds)
{
	return (!u->private_redis || (program_redis(&u->programs[CHILD_REDIS], &u->place) && program_mend_redis(&u->mend_redis, &u->place))) &&
		program_handler(&u->programs[CHILD_API], &u->place, "api.fcgi") &&
		program_handler(&u->programs[CHILD_HUB], &u->place, "stream.fcgi") && program_worker(&u->programs[CHILD_WORKER]) &&
		program_lighttpd(&u->programs[CHILD_LIGHTTPD], &u->place, &u->account, config_number("ROOM_TLS"), max_fds);
}

static pid_t start_child(void *ctx, enum child_kind kind)
{
	const struct up *u = ctx;
	struct spawn s = {.argv = u->programs[kind].argv, .in = -1, .out = u->logs[kind]};

	if (kind == CHILD_API || kind == CHILD_HUB)
		s.in = u->sockets[kind];
	else if (kind != CHILD_WORKER)
		s.bare = true;
	if (kind == CHILD_REDIS)
		s.first = u->mend_redis.argv;
	if (kind == CHILD_LIGHTTPD) {
		s.sockets = u->tcp.fds;
		s.socket_count = u->tcp.count;
		s.account = &u->account;
		s.out = u->scrub.to_pipe;
	}
	return spawn(&s);
}

static bool block_signals(struct up *u)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	u->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	u->epoll = epoll_create1(EPOLL_CLOEXEC);
	return u->signals >= 0 && u->epoll >= 0;
}

static void add_children(struct up *u)
{
	children_init(&u->children, start_child, u);
	if (u->private_redis)
		children_add(&u->children, CHILD_REDIS, 1);
	children_add(&u->children, CHILD_API, (int)config_number("ROOM_APIS"));
	children_add(&u->children, CHILD_HUB, (int)config_number("ROOM_HUBS"));
	children_add(&u->children, CHILD_LIGHTTPD, (int)config_number("ROOM_WORKERS"));
	if (config_number("ROOM_WORKER"))
		children_add(&u->children, CHILD_WORKER, 1);
}

/* Everything before the loop. 0, or the exit code. */
static int prepare(struct up *u, int *lock)
{
	const char *why;
	int code;

	u->private_redis = *config_text("ROOM_REDIS") == '\0';
	if (!place_find(&u->place) || !place_make(&u->place))
		return EXIT_FAILURE;
	code = lock_state(u->place.state, lock);
	if (code != 0)
		return code;
	sweep_claim(&u->place);
	sweep_orphans();
	if (!secret_provide(u->place.state, true) || !keys_provide(u->place.state, true))
		return EXIT_FAILURE;
	code = listen_tcp(&u->tcp, config_text("ROOM_BIND"), (int)config_number("ROOM_PORT"));
	if (code != 0)
		return code;
	account_choose(&u->account, &u->place);
	if (!publish_settings(u))
		return EXIT_FAILURE;
	if (ticket_setup(&why) != OK)
		return command_failed("ROOM_JWT_SECRET: %s", why);
	if (seal_setup(&why) != OK)
		return command_failed("ROOM_KEYS %s", why);
	if (!database_prepare())
		return EXIT_FAILURE;
	if (!open_logs(u) || !make_access_log(u) || !open_sockets(u) || !find_programs(u, raise_descriptors()))
		return EXIT_FAILURE;
	u->probe_url = probe_url(u);
	if (!block_signals(u))
		return command_failed("signals: %s", strerror(errno));
	if (u->private_redis && !place_on_tmpfs(u->place.scratch))
		fputs("room: neither ROOM_STATE nor /dev/shm is a tmpfs: Redis keeps nothing, so its own crash loses all sessions\n", stderr);
	add_children(u);
	return 0;
}

/* What is left of us in ROOM_STATE goes, but for the secret, the certificate, the logs and the lock (removing that would let two in). */
static void clear_up(struct up *u, bool ran)
{
	static const char *const left[] = {"api.sock", "stream.sock", "redis.sock", "room.json", "lighttpd.conf"};

	for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
		char *path = place_path("%s/%s", u->place.state, left[i]);
		unlink(path);
		free(path);
	}
	if (strncmp(u->place.files, u->place.state, strlen(u->place.state)) == 0)
		rmdir(u->place.files);                                /* nobody ever put a file there */
	place_remove_scratch(&u->place, ran && u->private_redis); /* sessions that live on elsewhere keep their files */
}

static void release(struct up *u, int lock)
{
	children_done(&u->children);
	scrub_done(&u->scrub);
	listen_tcp_close(&u->tcp);
	program_done(&u->mend_redis);
	for (enum child_kind kind = 0; kind < CHILD_KINDS; kind++) {
		program_done(&u->programs[kind]);
		if (u->logs[kind] >= 0)
			close(u->logs[kind]);
		if (u->sockets[kind] >= 0)
			close(u->sockets[kind]);
	}
	free(u->probe_url);
	place_done(&u->place);
	if (u->signals >= 0)
		close(u->signals);
	if (u->epoll >= 0)
		close(u->epoll);
	if (lock >= 0)
		close(lock);
	config_done();
}

int up_command(int argc, char **argv)
{
	static const struct option options[] = {{"demo", no_argument, NULL, 'd'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct up u = {.signals = -1, .epoll = -1, .scrub = {.from = -1, .to_pipe = -1}};
	int lock = -1, code, option;
	bool ran;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return command_help(usage);
		if (option != 'd')
			return command_misused(argv[0], NULL);
		u.demo = true;
	}
	if (optind < argc)
		return command_misused(argv[0], "it takes no arguments");
	for (enum child_kind kind = 0; kind < CHILD_KINDS; kind++)
		u.logs[kind] = u.sockets[kind] = -1;
	if (config_load() != 0)
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	code = prepare(&u, &lock);
	ran = code == 0;
	if (ran)
		code = supervise(&u);
	if (lock >= 0)
		clear_up(&u, ran);
	release(&u, lock);
	return code;
}
