/* The load generator: `load SCENARIO -p PORT [options]` runs one scenario against a server that is up and prints its figures as rows
 * of a markdown table. tests/bench/run starts the servers and calls it. Exit status: 0 every floor met, 1 one missed, 2 no result.
 * ROOM_JWT_SECRET in the environment is what the server was started with. `load empty-program` is the baseline's FastCGI program. */
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

static const struct {
	const char *name;
	void (*run)(struct bench *b);
} scenarios[] = {
	{"machine", scenario_machine},
	{"empty", scenario_empty},
	{"sends", scenario_sends},
	{"paced", scenario_paced},
	{"burst", scenario_burst},
	{"history", scenario_history},
	{"lasting", scenario_lasting},
};

static bool missed;

void figure(const char *what, const char *floor, bool met, const char *measured, ...)
{
	va_list args;
	printf("| %s | %s | ", what, floor ? floor : "");
	va_start(args, measured);
	vprintf(measured, args);
	va_end(args);
	printf(" | %s |\n", !floor ? "baseline" : met ? "met" : "MISSED");
	fflush(stdout);
	if (floor && !met)
		missed = true;
}

void note(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("  ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

void broken(const char *format, ...)
{
	static int told;
	va_list args;
	missed = true;
	if (told++ >= 10)
		return;
	va_start(args, format);
	fputs("  WRONG: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

const char *ms(uint64_t ns)
{
	static char text[8][32];
	static unsigned turn;
	char *out = text[turn++ % 8];
	snprintf(out, sizeof text[0], "%.2f ms", (double)ns / 1e6);
	return out;
}

/* A port nobody listens on at this moment. */
static int print_free_port(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof addr;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 || getsockname(fd, (struct sockaddr *)&addr, &len) != 0)
		err(2, "port");
	printf("%d\n", ntohs(addr.sin_port));
	close(fd);
	return 0;
}

static void usage(void)
{
	fputs("usage: load machine|empty|sends|paced|burst|history|lasting -p PORT [-j ROOM.JSON] [-s SECONDS] [-c SENDING CONNECTIONS]\n"
		  "            [-n STREAMS] [-r SENDS PER SECOND] [-x (at random instants)] [-f SEED]\n"
		  "       load empty-program SOCKET | load free-port\n",
		stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct bench b = {.seconds = 10, .senders = 128, .rate = 2000};
	struct rlimit files;
	int opt;

	if (argc < 2)
		usage();
	if (strcmp(argv[1], "empty-program") == 0)
		return argc == 3 ? empty_main(argv[2]) : 2;
	if (strcmp(argv[1], "free-port") == 0)
		return print_free_port();
	b.addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	optind = 2;
	while ((opt = getopt(argc, argv, "p:j:s:c:n:r:f:x")) != -1) {
		switch (opt) {
		case 'p': b.addr.sin_port = htons((uint16_t)atoi(optarg)); break;
		case 'j': b.room_json = optarg; break;
		case 's': b.seconds = atof(optarg); break;
		case 'c': b.senders = (size_t)atoi(optarg); break;
		case 'n': b.streams = (size_t)atoi(optarg); break;
		case 'r': b.rate = atof(optarg); break;
		case 'f': b.seed = optarg; break;
		case 'x': b.poisson = true; break;
		default: usage();
		}
	}
	if (b.addr.sin_port == 0 || b.seconds <= 0 || b.senders == 0 || b.rate <= 0 || optind != argc)
		usage();
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
		if (strcmp(argv[1], scenarios[i].name) != 0)
			continue;
		procs_load(&b.procs, b.room_json);
		loop_init();
		scenarios[i].run(&b);
		loop_done();
		return missed ? 1 : 0;
	}
	usage();
}
