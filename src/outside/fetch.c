/* One HTTP call and its answer: see fetch.h. */
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "outside/fetch.h"

struct call {
	const struct fetch *fetch;
	struct answer *answer;
	bool enough;
	bool foreign;   /* a connection to another machine was refused */
};

void fetch_setup(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t take(char *bytes, size_t one, size_t len, void *ctx)
{
	struct call *c = ctx;

	(void)one;
	if (c->fetch->on_bytes) {
		c->enough = !c->fetch->on_bytes(c->fetch->ctx, bytes, len);
		return c->enough ? 0 : len;
	}
	buf_add(&c->answer->body, bytes, len);
	return buf_ok(&c->answer->body) ? len : 0;
}

/* An address is this machine's when a socket can be bound to it. */
static bool is_this_machine(const struct curl_sockaddr *a)
{
	struct sockaddr_storage address = {0};
	int fd = socket(a->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ours;

	if (fd < 0 || a->addrlen > sizeof address)
		return false;
	memcpy(&address, &a->addr, a->addrlen);
	if (a->family == AF_INET6)
		((struct sockaddr_in6 *)&address)->sin6_port = 0;
	else
		((struct sockaddr_in *)&address)->sin_port = 0;
	ours = bind(fd, (struct sockaddr *)&address, a->addrlen) == 0;
	close(fd);
	return ours;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct call *c = ctx;

	(void)purpose;
	if (c->fetch->this_machine && !is_this_machine(a)) {
		c->foreign = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static struct curl_slist *headers_of(const struct fetch *f)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < FETCH_HEADERS && f->headers[i]; i++)
		list = curl_slist_append(list, f->headers[i]);
	if (f->body)
		list = curl_slist_append(list, "Content-Type: application/json");
	/* Without this libcurl waits a second for a 100 that lighttpd never sends. */
	return curl_slist_append(list, "Expect:");
}

static void set_options(CURL *curl, struct call *c, struct curl_slist *headers)
{
	const struct fetch *f = c->fetch;

	curl_easy_setopt(curl, CURLOPT_URL, f->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, f->this_machine ? "https,http" : "https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(f->timeout_ms < 5000 ? f->timeout_ms : 5000));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)f->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, c);
	if (f->ca_file && *f->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, f->ca_file);
	if (f->this_machine) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (f->body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, f->body);
	}
	if (f->method)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, f->method);
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

enum err fetch_run(const struct fetch *f, struct answer *out)
{
	struct call c = {.fetch = f, .answer = out};
	struct curl_slist *headers = headers_of(f);
	CURL *curl = curl_easy_init();
	enum err e = OK;
	CURLcode code;

	*out = (struct answer){0};
	buf_init(&out->body, f->max_bytes);
	if (!curl || !headers) {
		e = ERR_INTERNAL;
		goto out;
	}
	set_options(curl, &c, headers);
	code = curl_easy_perform(curl);
	read_info(curl, out);
	if (code == CURLE_OK || c.enough)
		goto out;
	if (c.foreign || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT) {
		snprintf(out->why, sizeof out->why, "%s", c.foreign ? "the address is another machine's, which needs HTTPS" : "the address must begin with https://");
		e = ERR_BAD_REQUEST;
	} else {
		snprintf(out->why, sizeof out->why, "%s", buf_ok(&out->body) ? curl_easy_strerror(code) : "the answer is too long");
		e = ERR_STORE_UNAVAILABLE;
	}
out:
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return e;
}

void answer_done(struct answer *a)
{
	buf_done(&a->body);
}
