/* The command lines of what `room up` runs: see programs.h. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/config.h"
#include "room/certificate.h"
#include "room/command.h"
#include "room/file.h"
#include "room/programs.h"

void program_done(struct program *p)
{
	for (int i = 0; i < p->argc; i++)
		free(p->argv[i]);
	*p = (struct program){0};
}

/* Adds words, up to a NULL. */
static void add(struct program *p, ...)
{
	va_list words;
	const char *word;

	va_start(words, p);
	while ((word = va_arg(words, const char *))) {
		if (p->argc >= PROGRAM_ARGS - 1 || !(p->argv[p->argc] = strdup(word)))
			abort();
		p->argc++;
	}
	va_end(words);
}

/* Starts the command line with the path of an installed program. */
static bool begin(struct program *p, const char *name, const char *package)
{
	*p = (struct program){0};
	p->argv[0] = place_program(name);
	if (!p->argv[0])
		return command_failed("%s is not installed (Debian package %s; tools/install brings all)", name, package), false;
	p->argc = 1;
	return true;
}

bool program_handler(struct program *out, const struct place *place, const char *name)
{
	*out = (struct program){.argc = 1, .argv = {place_path("%s/%s", place->programs, name)}};
	if (access(out->argv[0], X_OK) == 0)
		return true;
	command_failed("%s: %s", out->argv[0], strerror(errno));
	program_done(out);
	return false;
}

bool program_worker(struct program *out)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	if (len <= 0)
		return command_failed("/proc/self/exe: %s", strerror(errno)), false;
	self[len] = '\0';
	*out = (struct program){.argc = 1, .argv = {place_path("%s", self)}};
	add(out, "worker", "--stay", NULL);
	return true;
}

bool program_redis(struct program *out, const struct place *place)
{
	char *socket = place_path("%s/redis.sock", place->state), *folder = place_path("%s/redis", place->scratch);
	bool memory = place_on_tmpfs(place->scratch);

	if (!begin(out, "redis-server", "redis-server")) {
		free(socket);
		free(folder);
		return false;
	}
	add(out, "--port", "0", "--unixsocket", socket, "--unixsocketperm", "600", "--dir", folder, NULL);
	/* The log survives Redis's own crash; on a disk it would keep what was said, so there Redis keeps nothing at all. Memory needs no sync; and with everysec
	 * Redis answers before it writes whenever a sync takes its time, so that a kill loses what was answered. */
	add(out, "--save", "", "--appendonly", memory ? "yes" : "no", "--appendfsync", "no", "--auto-aof-rewrite-min-size", "256mb", NULL);
	/* Each rewrite forks: seldom, then, and cheaply; and uncompressed, so that `room doctor --residue` can search it. */
	add(out, "--rdbcompression", "no", "--rdbchecksum", "no", NULL);
	add(out, "--maxmemory-policy", "noeviction", "--maxclients", "4000", NULL);
	/* Measured on the script of a send: less book-keeping of its own, and no long searches through packed hashes. */
	add(out, "--latency-tracking", "no", "--hash-max-listpack-entries", "64", NULL);
	/* What else would show arguments, that is content: the slow log, and the report of a crash. */
	add(out, "--slowlog-log-slower-than", "-1", "--slowlog-max-len", "0", "--crash-log-enabled", "no", "--crash-memcheck-enabled", "no",
		NULL);
	add(out, "--daemonize", "no", "--loglevel", "warning", "--logfile", "", "--always-show-logo", "no", NULL);
	free(socket);
	free(folder);
	return true;
}

bool program_mend_redis(struct program *out, const struct place *place)
{
	char *manifest = place_path("%s/redis/appendonlydir/appendonly.aof.manifest", place->scratch);
	bool good = begin(out, "redis-check-aof", "redis-tools");

	if (good)
		add(out, "--fix", manifest, NULL);
	free(manifest);
	return good;
}

/* The file that lighttpd is started with: variables, then lighttpd.conf, then TLS. */
static bool write_lighttpd_conf(
	const char *path, const struct place *place, const struct account *account, const char *certificate, int max_fds)
{
	struct buf text;
	bool good;

	/* Both are kept in 16 bits by lighttpd 1.4.69. */
	max_fds = max_fds > 60000 ? 60000 : max_fds;
	buf_init(&text, 16384);
	buf_str(&text, "# Made by `room up` at each start.\n");
	buf_printf(&text, "var.web = \"%s\"\nvar.state = \"%s\"\n", place->web, place->state);
	buf_printf(&text, "var.errors = \"%s/web/errors/errors.lua\"\n", place->share);
	buf_printf(&text, "var.scratch = \"%s/upload\"\n", place->scratch);
	buf_printf(&text, "var.files = \"%s\"\nvar.files_memory = \"%s\"\n", place->files, *place->memory ? place->memory : place->files);
	buf_printf(&text, "var.file_kb = %d\n", (int)config_number("ROOM_FILE_MB") * 1024);
	buf_printf(&text, "var.max_fds = %d\nvar.max_connections = %d\n", max_fds, max_fds / 2);
	buf_printf(&text, "include \"%s/lighttpd.conf\"\n", place->share);
	if (config_number("ROOM_ACCESS_LOG")) {
		/* Neither address nor path nor query: none of them may be kept. The request's id leads to the handler's own log. */
		buf_str(&text,
			"server.modules += ( \"mod_accesslog\" )\naccesslog.format = \"%{%Y-%m-%dT%H:%M:%S%z}t %m %H %>s %b %D %{X-Request-Id}o\"\n");
		buf_printf(&text, "accesslog.filename = \"%s/logs/access.log\"\n", place->state);
	}
	if (certificate) {
		buf_str(&text, "server.modules += ( \"mod_openssl\" )\nssl.engine = \"enable\"\n");
		buf_printf(&text, "ssl.pemfile = \"%s\"\n", certificate);
	}
	good = buf_ok(&text) && file_replace(path, text.data, text.len) && account_share(account, path, 0640);
	if (!good)
		command_failed("%s: %s", path, strerror(errno));
	buf_done(&text);
	return good;
}

bool program_lighttpd(struct program *out, const struct place *place, const struct account *account, bool tls, int max_fds)
{
	char *conf = place_path("%s/lighttpd.conf", place->state), *certificate = tls ? place_path("%s/tls.pem", place->state) : NULL;
	bool good = begin(out, "lighttpd", "lighttpd") && (!tls || certificate_provide(certificate, account)) &&
		write_lighttpd_conf(conf, place, account, certificate, max_fds);

	if (good)
		add(out, "-D", "-f", conf, NULL);
	else
		program_done(out);
	free(conf);
	free(certificate);
	return good;
}
