/* One HTTP call and its answer: see fetch.h. Several at once are in fetch_pool.c. */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/version.h"
#include "outside/fetch_call.h"

enum {
	CONNECT_MOST_MS = 5000,
	HEADERS_MOST = 64 * 1024, /* of an answer, all together; libcurl's own limit is 300 KB */
};

enum err (*fetch_seam)(const struct fetch *f, struct answer *out);

void fetch_setup(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	/* CURLOPT_NOSIGNAL, needed with threads, leaves SIGPIPE alone; OpenSSL writes with write(2) (research/apis.md §9) */
	signal(SIGPIPE, SIG_IGN);
}

void fetch_outbound(struct fetch *f)
{
	f->ca_file = config_text("ROOM_CA_FILE");
	f->proxy = config_text("ROOM_PROXY");
	f->allow_http = config_number("ROOM_ALLOW_HTTP");
}

void fetch_answer_init(struct answer *a, size_t max_bytes)
{
	*a = (struct answer){.retry_after_ms = -1};
	buf_init(&a->body, max_bytes);
}

void fetch_answer_done(struct answer *a)
{
	buf_done(&a->body);
}

/* ---- what comes back ---- */

static size_t take_body(char *bytes, size_t one, size_t len, void *ctx)
{
	struct fetch_call *c = ctx;

	(void)one;
	if (c->fetch->on_bytes) {
		c->enough = !c->fetch->on_bytes(c->fetch->ctx, bytes, len);
		return c->enough ? 0 : len;
	}
	buf_add(&c->answer->body, bytes, len);
	return buf_ok(&c->answer->body) ? len : 0;
}

int64_t fetch_retry_after_ms(const char *value, size_t len, int64_t now_ms)
{
	char text[64];
	int64_t ms;

	while (len > 0 && isspace((unsigned char)*value))
		value++, len--;
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		len--;
	if (len == 0 || len >= sizeof text)
		return -1;
	memcpy(text, value, len);
	text[len] = '\0';
	if (strspn(text, "0123456789") == len) {
		ms = len > 9 ? FETCH_RETRY_AFTER_MOST_MS : strtoll(text, NULL, 10) * 1000;
	} else {
		/* A date begins with the day's name; curl_getdate takes much more than dates, "5 apples" too. */
		time_t at = isalpha((unsigned char)text[0]) && strchr(text, ':') ? curl_getdate(text, NULL) : -1;
		if (at < 0)
			return -1;
		ms = (int64_t)at * 1000 - now_ms;
	}
	return ms < 0 ? 0 : ms > FETCH_RETRY_AFTER_MOST_MS ? FETCH_RETRY_AFTER_MOST_MS : ms;
}

/* Called with each header line as it came, the status line first (anew after a 100 Continue). */
static size_t take_header(char *line, size_t one, size_t len, void *ctx)
{
	static const char name[] = "retry-after:";
	struct fetch_call *c = ctx;

	(void)one;
	c->header_bytes += len;
	if (c->header_bytes > HEADERS_MOST)
		return 0;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		const char *status = memchr(line, ' ', len);
		c->answer->status = status ? atoi(status) : 0;
		c->answer->retry_after_ms = -1;
	}
	if (len >= sizeof name - 1 && strncasecmp(line, name, sizeof name - 1) == 0)
		c->answer->retry_after_ms = fetch_retry_after_ms(line + sizeof name - 1, len - (sizeof name - 1), clock_now_ms());
	return len;
}

/* ---- whom we may connect to ---- */

static bool is_loopback(const struct curl_sockaddr *a)
{
	if (a->family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, &a->addr, sizeof in);
		return ntohl(in.sin_addr.s_addr) >> 24 == 127;
	}
	if (a->family == AF_INET6 && a->addrlen >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 in;
		memcpy(&in, (const void *)&a->addr, sizeof in);
		return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr) && in.sin6_addr.s6_addr[12] == 127);
	}
	return false;
}

/* An address is this machine's when a socket can be bound to it. */
static bool is_this_machine(const struct curl_sockaddr *a)
{
	struct sockaddr_storage address = {0};
	int fd;
	bool ours;

	if (a->addrlen > sizeof address || (fd = socket(a->family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return false;
	memcpy(&address, (const void *)&a->addr, a->addrlen);
	if (a->family == AF_INET6)
		((struct sockaddr_in6 *)&address)->sin6_port = 0;
	else
		((struct sockaddr_in *)&address)->sin_port = 0;
	ours = bind(fd, (struct sockaddr *)&address, a->addrlen) == 0;
	close(fd);
	return ours;
}

static bool is_plain(const struct fetch *f)
{
	return strncasecmp(f->url, "http://", 7) == 0;
}

/* Looks at the address itself, after the name was resolved: a name may point anywhere. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct fetch_call *c = ctx;

	(void)purpose;
	if (c->fetch->this_machine ? !is_this_machine(a) : is_plain(c->fetch) && !is_loopback(a)) {
		c->foreign = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- a handle ---- */

static struct curl_slist *headers_of(const struct fetch *f)
{
	struct curl_slist *list = NULL;
	char type[128];

	for (size_t i = 0; i < FETCH_HEADERS && f->headers[i]; i++)
		list = curl_slist_append(list, f->headers[i]);
	if (f->body) {
		snprintf(type, sizeof type, "Content-Type: %s", f->body_type ? f->body_type : "application/json");
		list = curl_slist_append(list, type);
	}
	/* Without this libcurl waits a second for a 100 that lighttpd never sends. But it would sign the header that it then leaves out (7.88). */
	return f->sigv4 ? list : curl_slist_append(list, "Expect:");
}

static void set_security(CURL *curl, const struct fetch *f)
{
	bool plain = is_plain(f), proxied = f->proxy && *f->proxy && !plain && !f->this_machine;

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, f->this_machine || f->allow_http ? "https,http" : "https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 0L);
	curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_PROXY, proxied ? f->proxy : ""); /* "" also silences https_proxy and its kin */
	if (!proxied)
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (f->ca_file && *f->ca_file) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, f->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* Debian's default directory would be trusted beside it */
	}
	if (f->this_machine) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_options(CURL *curl, struct fetch_call *c)
{
	const struct fetch *f = c->fetch;

	set_security(curl, f);
	curl_easy_setopt(curl, CURLOPT_URL, f->url);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, c);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PIPEWAIT, 1L); /* rather one HTTP/2 connection than many */
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "reading-room/" ROOM_VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(f->timeout_ms < CONNECT_MOST_MS ? f->timeout_ms : CONNECT_MOST_MS));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)f->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, c);
	if (f->body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, f->body);
	}
	if (f->method)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, f->method);
	if (f->sigv4) {
		curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, f->sigv4);
		curl_easy_setopt(curl, CURLOPT_USERPWD, f->signer);
	}
	if (f->quiet_ms > 0) {
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(f->quiet_ms + 999) / 1000);
	}
}

bool fetch_call_open(struct fetch_call *call, const struct fetch *f, struct answer *out)
{
	fetch_answer_init(out, f->max_bytes);
	*call = (struct fetch_call){.fetch = f, .answer = out, .curl = curl_easy_init(), .headers = headers_of(f)};
	if (!call->curl || !call->headers)
		return false;
	set_options(call->curl, call);
	return true;
}

static void read_info(CURL *curl, struct answer *out)
{
	long status = 0, version = 0;
	char *type = NULL;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	out->status = (int)status;
	out->http_version = version == CURL_HTTP_VERSION_2_0 ? 20 : version == CURL_HTTP_VERSION_1_0 ? 10 : 11;
	snprintf(out->type, sizeof out->type, "%s", type ? type : "");
}

static enum fetch_fault fault_of(const struct fetch_call *c, CURLcode code)
{
	long sent = 0;

	if (code == CURLE_OK || c->enough)
		return FETCH_ANSWERED;
	if (c->foreign)
		return FETCH_REFUSED;
	if (c->curl)
		curl_easy_getinfo(c->curl, CURLINFO_REQUEST_SIZE, &sent);
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL: return sent > 0 ? FETCH_CUT : FETCH_REFUSED; /* said of an answer that is not HTTP, too */
	case CURLE_URL_MALFORMAT:
	case CURLE_LOGIN_DENIED: return FETCH_REFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT: return FETCH_UNREACHABLE;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER: return FETCH_TLS;
	case CURLE_OPERATION_TIMEDOUT: return FETCH_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT: return FETCH_BROKEN;
	case CURLE_WRITE_ERROR: return buf_ok(&c->answer->body) && c->header_bytes <= HEADERS_MOST ? FETCH_CUT : FETCH_TOO_LONG;
	default: return FETCH_CUT;
	}
}

static const char *sentence(const struct fetch_call *c, CURLcode code)
{
	if (c->foreign)
		return "the address is another machine's, which needs HTTPS";
	if (c->answer->fault == FETCH_REFUSED)
		return "the address must begin with https://, without a name or password";
	if (code == CURLE_UNSUPPORTED_PROTOCOL)
		return "the answer is not HTTP";
	if (c->answer->fault == FETCH_TOO_LONG)
		return "the answer is too long";
	return curl_easy_strerror(code); /* a fixed text: the error buffer would quote names and addresses */
}

static enum err err_of(enum fetch_fault fault)
{
	return fault == FETCH_ANSWERED ? OK
		: fault == FETCH_REFUSED   ? ERR_BAD_REQUEST
		: fault == FETCH_BROKEN    ? ERR_INTERNAL
								   : ERR_STORE_UNAVAILABLE;
}

enum err fetch_call_close(struct fetch_call *c, CURLcode code)
{
	if (c->curl)
		read_info(c->curl, c->answer);
	c->answer->fault = fault_of(c, code);
	if (c->answer->fault != FETCH_ANSWERED)
		snprintf(c->answer->why, sizeof c->answer->why, "%s", sentence(c, code));
	curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->headers);
	c->curl = NULL;
	c->headers = NULL;
	return err_of(c->answer->fault);
}

enum err fetch_run(const struct fetch *f, struct answer *out)
{
	struct fetch_call c;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (fetch_seam)
		return fetch_seam(f, out);
	if (fetch_call_open(&c, f, out))
		code = curl_easy_perform(c.curl);
	return fetch_call_close(&c, code);
}
