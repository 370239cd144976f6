/* The self-signed certificate of ROOM_TLS=1: see certificate.h. Somebody with a real one puts key and chain into ROOM_STATE/tls.pem. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config.h"
#include "room/certificate.h"
#include "room/command.h"
#include "room/place.h"

/* Runs a program quietly; true when it ends with 0. */
static bool run(char *const *argv)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		umask(0077);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* The host of ROOM_URL as a subjectAltName entry (",DNS:host", ",IP:1.2.3.4"), "" when there is nothing to add. To be freed. */
static char *extra_name(void)
{
	const char *url = config_text("ROOM_URL"), *host = strstr(url, "://");
	unsigned char address[16];
	char name[256];
	size_t len;

	host = host ? host + 3 : "";
	len = *host == '[' ? strcspn(host, "]") : strcspn(host, ":/");
	if (*host == '[' && len > 0) {
		host++;
		len--;
	}
	if (len == 0 || len >= sizeof name || memchr(host, ',', len))
		return place_path("%s", "");
	snprintf(name, sizeof name, "%.*s", (int)len, host);
	if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
		return place_path(",IP:%s", name);
	return place_path(",DNS:%s", name);
}

static bool make(const char *openssl, const char *path)
{
	char *fresh = place_path("%s.new", path), *extra = extra_name();
	char *names = place_path("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1%s", extra);
	const char *argv[] = {openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-days",
		"397", "-subj", "/CN=localhost", "-addext", names, "-keyout", fresh, "-out", fresh, NULL};
	struct stat st;
	bool good = run((char *const *)argv) && stat(fresh, &st) == 0 && st.st_size > 0 && chmod(fresh, 0600) == 0 && rename(fresh, path) == 0;

	if (!good) {
		command_failed("%s: openssl could not make a certificate", path);
		unlink(fresh);
	}
	free(names);
	free(extra);
	free(fresh);
	return good;
}

bool certificate_provide(const char *path, const struct account *account)
{
	char *openssl = place_program("openssl");
	char *check[] = {
		openssl, (char[]){"x509"}, (char[]){"-checkend"}, (char[]){"604800"}, (char[]){"-noout"}, (char[]){"-in"}, (char *)path, NULL};
	bool good;

	if (!openssl)
		return command_failed("openssl is not installed (tools/install brings all)"), false;
	good = (access(path, R_OK) == 0 && run(check)) || make(openssl, path);
	if (good && !account_share(account, path, 0640))
		good = !command_failed("%s: %s", path, strerror(errno));
	free(openssl);
	return good;
}
