/* See request.h. The only place that knows the names lighttpd gives to what a client sent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/id.h"
#include "base/utf8.h"
#include "http/request.h"

/* What of a proxy's word is believed only when the proxy is listed in ROOM_TRUSTED_PROXIES. */
struct forwarded {
	const char *for_list, *proto;
};

/* A header's value as the strings of r have it. Once only: lighttpd joins repeated headers with a comma, but X_A and X-A arrive as two parameters of one name. */
static void take(struct request *r, const char **slot, const char *value)
{
	if (*slot)
		r->malformed = true;
	else
		*slot = arena_strdup(r->arena, value);
}

static enum method method_named(const char *name)
{
	static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

	for (int m = METHOD_GET; m < METHOD_OTHER; m++)
		if (strcmp(names[m], name) == 0)
			return (enum method)m;
	return METHOD_OTHER;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Undoes percent-encoding of len bytes into out (len + 1 bytes); the number of bytes, or -1 when it is broken or hides a NUL. */
static long unescape(char *out, const char *text, size_t len, bool plus_is_space)
{
	long n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			int high = len - i > 2 ? hex_digit(text[i + 1]) : -1, low = len - i > 2 ? hex_digit(text[i + 2]) : -1;
			if (high < 0 || low < 0)
				return -1;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0')
			return -1;
		out[n++] = c;
	}
	out[n] = '\0';
	return n;
}

/* Routes are matched on what the client wrote (REQUEST_URI), with the escapes of unreserved characters undone (RFC 3986 §2.3: those change nothing).
 * Any other escape, an encoded slash above all, makes a path that no route has. lighttpd's PATH_INFO would be decoded and tidied already. */
static void read_uri(struct request *r, const char *uri)
{
	size_t len = strcspn(uri, "?#");
	char *path = arena_strndup(r->arena, uri, len);
	size_t n = 0;

	r->query = uri[len] == '?' ? arena_strdup(r->arena, uri + len + 1) : "";
	for (size_t i = 0; i < len; i++) {
		char c = uri[i];
		if (c == '%') {
			int high = len - i > 2 ? hex_digit(uri[i + 1]) : -1, low = high < 0 ? -1 : hex_digit(uri[i + 2]);
			c = low < 0 ? '\0' : (char)(high << 4 | low);
			if (c != '.' && c != '~' && !id_valid(&c, 1)) {
				n = 0;
				break;
			}
			i += 2;
		}
		path[n++] = c;
	}
	path[n] = '\0';
	r->path = path;
}

/* The address the outermost trusted proxy saw: from the right, the first that is no proxy of ours. */
static const char *client_behind_proxies(struct request *r, const char *list)
{
	const char *end = list + strlen(list), *address = r->remote_addr;

	while (end > list && config_lists("ROOM_TRUSTED_PROXIES", address)) {
		const char *start = end;
		while (start > list && start[-1] != ',')
			start--;
		const char *next = start > list ? start - 1 : list;
		start += strspn(start, " \t");
		while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if (end > start)
			address = arena_strndup(r->arena, start, (size_t)(end - start));
		end = next;
	}
	return address;
}

static void believe_proxy(struct request *r, const struct forwarded *f)
{
	if (!r->remote_addr || (!f->for_list && !f->proto) || !config_lists("ROOM_TRUSTED_PROXIES", r->remote_addr))
		return;
	if (f->proto)
		r->https = strcmp(f->proto, "https") == 0;
	if (f->for_list)
		r->remote_addr = client_behind_proxies(r, f->for_list);
}

/* No header may hold control characters but the tab, nor a folded line (obsolete since RFC 7230): lighttpd hands that on with blanks for the line end,
 * three in a row with the one that began the next line, which nobody writes. Cookies and User-Agent hold other people's texts, so there it is let pass. */
static bool plain(const char *name, size_t len, const char *value)
{
	bool free_text = (len == 6 && memcmp(name, "COOKIE", 6) == 0) || (len == 10 && memcmp(name, "USER_AGENT", 10) == 0);
	int blanks = 0;

	for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
		blanks = *c == ' ' || *c == '\t' ? blanks + 1 : 0;
		if ((*c < ' ' && *c != '\t') || *c == 0x7f || (blanks == 3 && !free_text))
			return false;
	}
	return true;
}

static void read_header(struct request *r, struct forwarded *f, const char *name, size_t len, const char *value)
{
	static const struct {
		const char *name;
		size_t len, slot;
	} headers[] = {
#define ROW(name, member) {name, sizeof(name) - 1, offsetof(struct request, member)}
		ROW("AUTHORIZATION", authorization),
		ROW("COOKIE", cookie),
		ROW("ORIGIN", origin),
		ROW("HOST", host),
		ROW("SEC_FETCH_SITE", sec_fetch_site),
		ROW("CONTENT_ENCODING", content_encoding),
		ROW("LAST_EVENT_ID", last_event_id),
		ROW("ACCESS_CONTROL_REQUEST_METHOD", access_method),
#undef ROW
	};
	const char **slot = NULL;

	if (len == 15 && memcmp(name, "X_FORWARDED_FOR", 15) == 0)
		slot = &f->for_list;
	else if (len == 17 && memcmp(name, "X_FORWARDED_PROTO", 17) == 0)
		slot = &f->proto;
	for (size_t i = 0; i < sizeof headers / sizeof *headers && !slot; i++)
		if (headers[i].len == len && memcmp(headers[i].name, name, len) == 0)
			slot = (const char **)((char *)r + headers[i].slot);
	if (!plain(name, len, value))
		r->malformed = true;
	if (slot)
		take(r, slot, value);
}

void request_read(struct request *r, char *const params[])
{
	struct forwarded f = {0};

	r->query = r->path = r->body = "";
	r->method = METHOD_OTHER;
	r->content_length = -1;
	id_hex(r->id, sizeof r->id - 1);
	for (; *params; params++) {
		const char *name = *params, *equals = strchr(name, '='), *value = equals ? equals + 1 : "";
		size_t len = equals ? (size_t)(equals - name) : 0;
#define IS(lit) (len == sizeof(lit) - 1 && memcmp(name, lit, sizeof(lit) - 1) == 0)
		if (len > 5 && memcmp(name, "HTTP_", 5) == 0)
			read_header(r, &f, name + 5, len - 5, value);
		else if (IS("REQUEST_METHOD"))
			r->method = method_named(value);
		else if (IS("REQUEST_URI"))
			read_uri(r, value);
		else if (IS("CONTENT_TYPE"))
			take(r, &r->content_type, value);
		else if (IS("CONTENT_LENGTH"))
			r->content_length = *value ? strtoll(value, NULL, 10) : -1;
		else if (IS("REMOTE_ADDR"))
			take(r, &r->remote_addr, value);
		else if (IS("HTTPS"))
			r->https = strcmp(value, "on") == 0;
		else if (IS("ROOM_BODY"))
			r->body_unbuffered = true;
#undef IS
	}
	believe_proxy(r, &f);
}

/* Steps through the query: the next name=value, raw. */
static bool query_next(const char **at, const char **name, size_t *name_len, const char **value, size_t *value_len)
{
	while (**at == '&')
		(*at)++;
	if (!**at)
		return false;
	*name = *at;
	*at += strcspn(*at, "&");
	*name_len = strcspn(*name, "=&");
	*value = (*name)[*name_len] == '=' ? *name + *name_len + 1 : *at;
	*value_len = (size_t)(*at - *value);
	return true;
}

enum err request_query(const struct request *r, const char *name, const char **out)
{
	const char *at = r->query, *key, *value, *found = NULL;
	size_t key_len, value_len;

	while (query_next(&at, &key, &key_len, &value, &value_len)) {
		char *text;
		long n;
		if (key_len != strlen(name) || memcmp(key, name, key_len) != 0)
			continue;
		if (found)
			return ERR_BAD_REQUEST;
		text = arena_alloc(r->arena, value_len + 1);
		n = unescape(text, value, value_len, true);
		if (n < 0 || !utf8_valid(text, (size_t)n))
			return ERR_BAD_REQUEST;
		found = text;
	}
	*out = found;
	return OK;
}

enum err request_query_int(const struct request *r, const char *name, long least, long most, long fallback, long *out)
{
	const char *text;
	enum err e = request_query(r, name, &text);
	long n = 0;

	if (e != OK)
		return e;
	if (!text) {
		*out = fallback;
		return OK;
	}
	if (!*text || strlen(text) > 9 || text[strspn(text, "0123456789")])
		return ERR_BAD_REQUEST;
	n = strtol(text, NULL, 10);
	if (n < least || n > most)
		return ERR_BAD_REQUEST;
	*out = n;
	return OK;
}

static bool looks_like_jwt(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t header = strspn(text, digits), payload;

	if (strncmp(text, "eyJ", 3) != 0 ||
		text[header] != '.') /* every JSON object's text begins with eyJ, or eyA, eyI with spaces, which nobody writes */
		return false;
	payload = strspn(text + header + 1, digits);
	return payload > 0 && text[header + 1 + payload] == '.';
}

bool request_query_has_jwt(const struct request *r)
{
	const char *at = r->query, *name, *value;
	size_t name_len, value_len;

	while (query_next(&at, &name, &name_len, &value, &value_len)) {
		char *text;
		if (value_len < 20) /* no token is that short, so usual queries cost nothing */
			continue;
		text = arena_alloc(r->arena, value_len + 1);
		if (unescape(text, value, value_len, true) < 0)
			memcpy(text, value, value_len);
		if (strncasecmp(text, "Bearer ", 7) == 0)
			text += 7;
		if (looks_like_jwt(text))
			return true;
	}
	return false;
}

void request_cookies(
	const struct request *r, bool (*fn)(void *ctx, const char *name, size_t name_len, const char *value, size_t value_len), void *ctx)
{
	const char *at = r->cookie ? r->cookie : "";

	for (;;) {
		const char *name, *equals;
		size_t len;
		at += strspn(at, "; \t");
		if (!*at)
			return;
		name = at;
		len = strcspn(at, ";");
		at += len;
		while (len && (name[len - 1] == ' ' || name[len - 1] == '\t'))
			len--;
		equals = memchr(name, '=', len);
		if (equals && !fn(ctx, name, (size_t)(equals - name), equals + 1, len - (size_t)(equals + 1 - name)))
			return;
	}
}
