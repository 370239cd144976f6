/* The one table of settings, and how they are read: environment over the file ROOM_ENV over default. Loaded by every program's main. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/config.h"

#define MAX_LINE 65536 /* of the file ROOM_ENV */

#define TEXT(name_, default_, help_) \
	{ \
		.name = name_, .kind = CONFIG_TEXT, .fallback = default_, .help = help_ \
	}
#define CHOICE(name_, default_, accept_, help_) \
	{ \
		.name = name_, .kind = CONFIG_TEXT, .fallback = default_, .accept = accept_, .help = help_ \
	}
#define SECRET(name_, help_) \
	{ \
		.name = name_, .kind = CONFIG_TEXT, .fallback = "", .secret = true, .help = help_ \
	}
#define URL(name_, default_, help_) \
	{ \
		.name = name_, .kind = CONFIG_URL, .fallback = default_, .help = help_ \
	}
#define FLAG(name_, default_, help_) \
	{ \
		.name = name_, .kind = CONFIG_FLAG, .fallback = default_, .least = 0, .most = 1, .help = help_ \
	}
#define RATE(name_, default_, help_) \
	{ \
		.name = name_, .kind = CONFIG_RATE, .fallback = default_, .unit = "messages/s", .help = help_ \
	}
#define PACE(name_, default_, unit_, help_) \
	{ \
		.name = name_, .kind = CONFIG_RATE, .fallback = default_, .unit = unit_, .help = help_ \
	}
#define TRIES(name_, default_, help_) \
	{ \
		.name = name_, .kind = CONFIG_RATE, .fallback = default_, .least = 1, .unit = "tries/s", .help = help_ \
	}
#define NUMBER(name_, default_, least_, most_, unit_, help_) \
	{ \
		.name = name_, .kind = CONFIG_NUMBER, .fallback = default_, .least = least_, .most = most_, .unit = unit_, .help = help_ \
	}

/* clang-format off: a row a line, so that it reads as the table it is */
static const struct config_row rows[] = {
	TEXT("ROOM_ENV", "", "file of more settings, lines NAME=value; the environment wins"),
	NUMBER("ROOM_PORT", "8080", 0, 65535, "", "port that lighttpd listens on; 0: any free one"),
	TEXT("ROOM_BIND", "localhost", "address that lighttpd listens on; *: every one of this machine"),
	URL("ROOM_URL", "", "public base address; unset: http(s)://localhost and the port"),
	TEXT("ROOM_STATE", "./var", "directory of sockets, logs, the private Redis and SQLite"),
	TEXT("ROOM_WEB", "", "directory of the static pages; unset: web/ beside the program"),
	FLAG("ROOM_TLS", "0", "1: HTTPS with HTTP/2"),
	TEXT("ROOM_ORIGINS", "", "other origins whose pages may call, comma-separated"),
	TEXT("ROOM_METRICS_FROM", "", "addresses that may read /metrics beside this machine's own, comma-separated"),
	TEXT("ROOM_TRUSTED_PROXIES", "", "addresses of proxies that may name the client, comma-separated"),
	SECRET("ROOM_JWT_SECRET", "secret shared with MainServer, or kid=secret,kid=secret (the first signs)"),
	NUMBER("ROOM_TICKET_S", "86400", 60, 90000, "s", "life of the tickets made here"),
	CHOICE("ROOM_REDIS", "", "unix:|redis://", "the live store, unix:/path or redis://host:port; unset: a private one"),
	NUMBER("ROOM_BUCKETS", "1", 1, 32, "", "hash tags; more than 1 before going to Redis Cluster, once and for all"),
	{.name = "ROOM_DB",
		.fallback = "",
		.accept = "sqlite:|postgres://|postgresql://",
		.secret = true, /* it may hold a password */
		.help = "what lasts, sqlite:path or postgres://...; unset: SQLite in ROOM_STATE"},
	NUMBER("ROOM_DB_THREADS", "4", 1, 64, "", "connections to the database of each api process, opened when needed"),
	NUMBER("ROOM_TTL_S", "86400", 1, 31536000, "s", "a session erases itself this long after its last activity"),
	NUMBER(
		"ROOM_RETENTION_S", "0", 0, 315360000, "s", "messages of lasting conversations erase themselves after this time; 0: they are kept"),
	RATE("ROOM_SENDS", "500/900", "messages each participant may send, count/seconds; 0: unlimited"),
	RATE("ROOM_SENDS_BURST", "60/10", "the same over a short time; 0: unlimited"),
	NUMBER("ROOM_STREAMS", "50", 0, 100000, "",
		"streams and polls each may have open at a place on each hub: past it the oldest ends (a poll: 429); 0: unlimited"),
	NUMBER("ROOM_FILE_MB", "10", 1, 1024, "MB", "largest file that may be uploaded"),
	TEXT("ROOM_FILE_TYPES", "jpeg,png,gif,webp,pdf,mp3,ogg,wav,m4a,mp4,mov,webm,txt",
		"what files may be, judged by their bytes; none: no uploads"),
	TEXT("ROOM_FILES", "", "folder of lasting conversations' files; unset: files/ in ROOM_STATE"),
	TEXT("ROOM_FILES_MEMORY", "", "folder of sessions' files, on a tmpfs; room up sets it beside its Redis; unset: sessions have none"),
	NUMBER("ROOM_FILES_MEMORY_MB", "256", 1, 1048576, "MB", "memory that the files of all sessions together may take"),
	NUMBER("ROOM_FILES_SESSION_MB", "64", 1, 1048576, "MB", "what the files of one session may take"),
	PACE("ROOM_UPLOADS", "300/3600", "files/s",
		"files each may upload, count/seconds: a user everywhere, a participant in his session; 0: unlimited"),
	PACE("ROOM_CONVERSATIONS", "200/3600", "conversations/s", "lasting conversations each user may make; 0: unlimited"),
	PACE("ROOM_INVITES", "1000/3600", "people/s",
		"people each user may bring into lasting conversations, making them included; 0: unlimited"),
	NUMBER("ROOM_GROUP_MOST", "1000", 2, 10000, "", "people that a lasting conversation may have"),
	FLAG("ROOM_REGISTRATION", "1", "0: nobody can make an account by /auth/register"),
	TRIES("ROOM_LOGINS", "10/900", "wrong passwords for one account, count/seconds; then it waits, whoever asks"),
	TRIES("ROOM_LOGINS_ALL", "100/900", "passwords looked at for one account, right ones too: each costs time and memory"),
	TRIES("ROOM_LOGINS_ADDRESS", "30/900", "wrong passwords from one address"),
	TRIES("ROOM_REGISTRATIONS", "20/3600", "new accounts from one address"),
	URL("ROOM_S3_URL", "", "S3-compatible store for all files; unset: they lie on this machine"),
	TEXT("ROOM_S3_BUCKET", "", "its bucket, which must exist and be private"),
	TEXT("ROOM_S3_REGION", "us-east-1", "region that the store says it is in"),
	TEXT("ROOM_S3_KEY", "", "access key to the bucket"),
	SECRET("ROOM_S3_SECRET", "secret of the access key"),
	NUMBER("ROOM_APIS", "2", 1, 64, "", "api processes of room up"),
	NUMBER("ROOM_API_THREADS", "1", 1, 8, "", "accepting threads of an api process"),
	NUMBER("ROOM_HUBS", "2", 1, 64, "", "hubs (stream processes) of room up"),
	NUMBER("ROOM_WORKERS", "1", 1, 64, "", "lighttpd workers, each good for some 9,000 streams"),
	FLAG("ROOM_WORKER", "1", "0: room up runs no worker (then cron must)"),
	NUMBER("ROOM_WORKER_S", "70", 1, 3600, "s", "how long a room worker works: longer than the time between two starts"),
	NUMBER("ROOM_KEEP_DAYS", "400", 1, 36500, "days", "how long ledger and audit (times and counts, no content) are kept"),
	CHOICE("ROOM_LOG", "info", "debug|info|warn|error", "least level that is logged"),
	FLAG("ROOM_ACCESS_LOG", "0", "1: room up has lighttpd log each request: method, status, size, time, id; never who or what"),
	SECRET("ROOM_KEYS", "sealing keys, id=base64,... (the first seals)"),
	TEXT("ROOM_FCM_CREDENTIALS", "", "file with the service account of Firebase Cloud Messaging; unset: no push"),
	URL("ROOM_FCM_URL", "https://fcm.googleapis.com", "base address of Firebase Cloud Messaging"),
	TEXT("ROOM_PUSH_TEXT", "You have a new message", "the sentence of every push; never content"),
	SECRET("ROOM_GEMINI_KEY", "API key of Gemini; unset: no summaries"),
	URL("ROOM_GEMINI_URL", "https://generativelanguage.googleapis.com", "base address of Gemini"),
	TEXT("ROOM_GEMINI_MODEL", "gemini-3.5-flash", "model that writes summaries"),
	CHOICE("ROOM_GEMINI_SAFETY", "BLOCK_NONE", "OFF|BLOCK_NONE|BLOCK_ONLY_HIGH|BLOCK_MEDIUM_AND_ABOVE|BLOCK_LOW_AND_ABOVE",
		"what Gemini's own filters block; a talk about harm must be summed up, too"),
	NUMBER("ROOM_GEMINI_TOKENS", "16384", 256, 65536, "tokens", "most that Gemini may write for a summary, its thinking included"),
	NUMBER("ROOM_GEMINI_TIMEOUT_S", "90", 1, 150, "s", "time that Gemini has for a summary"),
	CHOICE("ROOM_SUMMARIES", "allowed", "allowed|consent|off", "policy of sessions that name none"),
	NUMBER("ROOM_SUMMARY_DAYS", "90", 1, 36500, "days", "how long a summary is kept after it was asked for"),
	URL("ROOM_WEBHOOK_URL", "", "where MainServer is told what happened; unset: nowhere"),
	SECRET("ROOM_WEBHOOK_SECRET", "signs the webhooks (Standard Webhooks): whsec_base64, or any text; several, comma-separated, each sign"),
	URL("ROOM_PROFILES_URL", "", "reserved for MainServer's profile service: nothing asks it yet"),
	URL("ROOM_AGENT_URL", "", "reserved for a service that answers business conversations: nothing asks it yet"),
	SECRET("ROOM_PROXY", "proxy for outbound HTTPS, http://host:port; unset: none, whatever the environment says"),
	TEXT("ROOM_CA_FILE", "", "certificates to trust for outbound HTTPS; unset: the system's"),
	FLAG("ROOM_ALLOW_HTTP", "0", "1: outbound calls may use plain HTTP, to loopback only (for tests)"),
	{.name = NULL},
};
/* clang-format on */

#define ROWS (sizeof rows / sizeof *rows - 1)

static struct value {
	char *text; /* NULL: the default */
	enum config_source source;
} values[ROWS];
static char *public_url;

const struct config_row *config_rows(void)
{
	return rows;
}

static const struct config_row *row_named(const char *name, size_t len)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	return NULL;
}

/* The place of a name that a program asks for: a wrong one is a mistake in the program. */
static size_t index_of(const char *name)
{
	const struct config_row *row = row_named(name, strlen(name));

	if (!row) {
		fprintf(stderr, "no such setting: %s\n", name);
		abort();
	}
	return (size_t)(row - rows);
}

/* ---- checks: each says what is wrong, or NULL ---- */

/* Plain decimal digits within bounds; strtoll alone would take blanks, signs and more. */
static bool whole_number(const char *text, size_t len, int64_t least, int64_t most, int64_t *out)
{
	int64_t n = 0;

	if (len < 1 || len > 15)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (text[i] - '0');
	}
	*out = n;
	return n >= least && n <= most;
}

static bool parse_rate(const char *text, int64_t *count, int64_t *seconds)
{
	size_t digits = strcspn(text, "/");

	*count = 0;
	*seconds = 1;
	if (strcmp(text, "0") == 0)
		return true;
	return text[digits] == '/' && whole_number(text, digits, 0, 1000000, count) &&
		whole_number(text + digits + 1, strlen(text + digits + 1), 1, 86400, seconds);
}

static bool accepted(const char *accept, const char *text)
{
	for (const char *item = accept; item; item = strchr(item, '|') ? strchr(item, '|') + 1 : NULL) {
		size_t len = strcspn(item, "|");
		bool prefix = item[len - 1] == ':' || item[len - 1] == '/';
		if (strncmp(text, item, len) == 0 && (prefix ? text[len] != '\0' : text[len] == '\0'))
			return true;
	}
	return false;
}

static bool url_like(const char *text)
{
	const char *host = strncmp(text, "https://", 8) == 0 ? text + 8 : strncmp(text, "http://", 7) == 0 ? text + 7 : "";

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("\"<>\\^`{|}?#", *p))
			return false;
	return *host != '\0' && *host != '/';
}

static bool one_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* What is wrong with text as a value of row goes to why. */
static bool value_ok(const struct config_row *row, const char *text, struct buf *why)
{
	int64_t n, seconds;

	switch (row->kind) {
	case CONFIG_NUMBER:
	case CONFIG_FLAG:
		if (whole_number(text, strlen(text), row->least, row->most, &n))
			return true;
		buf_printf(why, "must be a whole number from %lld to %lld", (long long)row->least, (long long)row->most);
		return false;
	case CONFIG_RATE:
		if (parse_rate(text, &n, &seconds) && n >= row->least)
			return true;
		buf_str(why, row->least ? "must be count/seconds such as 10/900" : "must be count/seconds such as 60/10, or 0 for unlimited");
		return false;
	case CONFIG_URL:
		if (url_like(text))
			return true;
		buf_str(why, "must be an address that begins with https:// or http://, without query");
		return false;
	case CONFIG_TEXT: break;
	}
	if (!one_line(text)) {
		buf_str(why, "must be one line of text");
		return false;
	}
	if (row->accept && !accepted(row->accept, text)) {
		buf_printf(why, "must be one of %s", row->accept);
		return false;
	}
	return true;
}

/* ---- loading ---- */

/* Takes a value over; false when it is wrong (said on standard error, without showing it if it is a secret). */
static bool set(const struct config_row *row, const char *text, enum config_source source)
{
	struct value *v = &values[row - rows];
	struct buf why;
	bool good;

	if (*text == '\0') /* set to nothing is unset */
		return true;
	buf_init(&why, 1000);
	good = value_ok(row, text, &why);
	if (!good)
		fprintf(stderr, "%s%s%s: %s\n", row->name, row->secret ? "" : "=", row->secret ? "" : text, why.data);
	buf_done(&why);
	if (good) {
		free(v->text);
		v->text = strdup(text);
		v->source = source;
	}
	return good;
}

static bool is_ours(const char *name)
{
	return strncmp(name, "ROOM_", 5) == 0 && strncmp(name, "ROOM_TEST_", 10) != 0;
}

/* Strips blanks around, and one pair of quotes: the form of systemd's EnvironmentFile. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (len >= 2 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0]) {
		text++;
		len -= 2;
	}
	text[len] = '\0';
	return text;
}

static bool load_line(const char *path, int number, char *line)
{
	char *name = line + strspn(line, " \t"), *equals = strchr(name, '=');
	const struct config_row *row;

	if (strchr("#;\r\n", *name)) /* a comment, or nothing */
		return true;
	if (!equals) {
		fprintf(stderr, "%s:%d: not NAME=value\n", path, number);
		return false;
	}
	*equals = '\0';
	name = trim(name);
	row = row_named(name, strlen(name));
	if (!row) {
		if (is_ours(name))
			fprintf(stderr, "%s:%d: warning: there is no setting %s\n", path, number, name);
		return true; /* the file may serve other programs too */
	}
	if (values[row - rows].source == CONFIG_FILE) {
		fprintf(stderr, "%s:%d: %s is there twice\n", path, number, name);
		return false;
	}
	return set(row, trim(equals + 1), CONFIG_FILE);
}

static bool load_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool good = true;

	if (!file) {
		fprintf(stderr, "ROOM_ENV=%s: %s\n", path, strerror(errno));
		return false;
	}
	for (int number = 1; (len = getline(&line, &size, file)) >= 0; number++) {
		if (len > MAX_LINE || memchr(line, '\0', (size_t)len)) {
			fprintf(stderr, "%s:%d: not a line of text\n", path, number);
			good = false;
		} else {
			good &= load_line(path, number, line);
		}
	}
	if (ferror(file)) {
		fprintf(stderr, "ROOM_ENV=%s: %s\n", path, strerror(errno));
		good = false;
	}
	free(line);
	fclose(file);
	return good;
}

static bool load_environment(void)
{
	bool good = true;

	for (char **entry = environ; entry && *entry; entry++) {
		size_t len = strcspn(*entry, "=");
		const struct config_row *row = row_named(*entry, len);
		if (row && (*entry)[len] == '=')
			good &= set(row, *entry + len + 1, CONFIG_ENVIRONMENT);
		else if (is_ours(*entry))
			fprintf(stderr, "warning: there is no setting %.*s\n", (int)len, *entry);
	}
	return good;
}

static char *make_public_url(void)
{
	struct buf url;
	const char *given = config_text("ROOM_URL");
	bool tls = config_number("ROOM_TLS");
	int64_t port = config_number("ROOM_PORT");

	buf_init(&url, 4096);
	if (*given) {
		buf_str(&url, given);
		while (buf_ok(&url) && url.len > 0 && url.data[url.len - 1] == '/')
			url.data[--url.len] = '\0';
	} else {
		buf_str(&url, tls ? "https://localhost" : "http://localhost");
		if (port != (tls ? 443 : 80))
			buf_printf(&url, ":%lld", (long long)port);
	}
	return buf_take(&url, NULL);
}

void config_done(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		free(values[i].text);
		values[i] = (struct value){0};
	}
	free(public_url);
	public_url = NULL;
}

int config_load(void)
{
	const char *path = getenv("ROOM_ENV");
	bool good = true;

	config_done();
	if (path && *path)
		good &= load_file(path);
	good &= load_environment();
	public_url = make_public_url();
	if (!public_url) {
		fputs("ROOM_URL: too long\n", stderr);
		good = false;
	}
	return good ? 0 : -1;
}

/* ---- asking ---- */

const char *config_text(const char *name)
{
	size_t i = index_of(name);

	return values[i].text ? values[i].text : rows[i].fallback;
}

int64_t config_number(const char *name)
{
	return strtoll(config_text(name), NULL, 10);
}

void config_rate(const char *name, int64_t *count, int64_t *seconds)
{
	parse_rate(config_text(name), count, seconds);
}

enum config_source config_source(const char *name)
{
	return values[index_of(name)].source;
}

bool config_lists(const char *name, const char *value)
{
	const char *item = config_text(name);
	size_t len = strlen(value);

	while (*item) {
		size_t item_len;
		item += strspn(item, " \t");
		item_len = strcspn(item, ",");
		while (item_len > 0 && (item[item_len - 1] == ' ' || item[item_len - 1] == '\t'))
			item_len--;
		if (len > 0 && item_len == len && memcmp(item, value, len) == 0)
			return true;
		item += strcspn(item, ",");
		item += *item == ',';
	}
	return false;
}

const char *config_public_url(void)
{
	return public_url;
}
