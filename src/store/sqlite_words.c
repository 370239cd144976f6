/* See words.h. The tables of Unicode are those of the tokenizer that comes with SQLite; what it does not know about scripts is decided here. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "store/words.h"

/* ---- SQLite's tokenizer ---- */

static fts5_tokenizer unicode;
static void *unicode_ctx;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A database in memory, kept for good: only for its list of tokenizers (sqlite.org/fts5.html §7). */
static void find_tokenizer(void)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	fts5_api *api = NULL;

	if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &stmt, NULL) != SQLITE_OK)
		abort();
	sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL);
	sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	if (!api || api->xFindTokenizer(api, "unicode61", &unicode_ctx, &unicode) != SQLITE_OK)
		abort();
}

static Fts5Tokenizer *tokenizer_new(void)
{
	/* Marks belong to words: else Devanagari and vocalised Arabic fall apart. */
	static const char *args[] = {"remove_diacritics", "2", "categories", "L* N* Co M*"};
	Fts5Tokenizer *t;

	pthread_once(&once, find_tokenizer);
	if (unicode.xCreate(unicode_ctx, args, 4, &t) != SQLITE_OK)
		abort();
	return t;
}

/* ---- characters ---- */

struct range {
	uint32_t from, to;
};

static bool within(const struct range *ranges, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count && ranges[i].from <= c; i++)
		if (c <= ranges[i].to)
			return true;
	return false;
}

/* Between which nothing parts words, and symbols. */
static bool is_single(uint32_t c)
{
	static const struct range ranges[] = {
		{0x0e00, 0x0eff},   /* Thai, Lao */
		{0x1000, 0x109f},   /* Myanmar */
		{0x1780, 0x17ff},   /* Khmer */
		{0x203c, 0x203c},   /* !! */
		{0x2049, 0x2049},   /* !? */
		{0x20a0, 0x20cf},   /* currencies */
		{0x2100, 0x214f},   /* letterlike symbols */
		{0x2190, 0x23ff},   /* arrows, operators, technical */
		{0x2500, 0x2bff},   /* boxes, shapes, dingbats */
		{0x2e80, 0x2fdf},   /* radicals */
		{0x3005, 0x3007},   /* ideographic iteration, zero */
		{0x3030, 0x3030},   /* wavy dash */
		{0x303d, 0x30ff},   /* kana */
		{0x3100, 0x312f},   /* bopomofo */
		{0x31a0, 0x31bf},   /* the same, extended */
		{0x31f0, 0x4dbf},   /* kana, enclosed, Han extension A */
		{0x4e00, 0x9fff},   /* Han */
		{0xf900, 0xfaff},   /* Han, compatibility */
		{0xff66, 0xff9d},   /* kana, half width */
		{0x1b000, 0x1b16f}, /* kana, extended */
		{0x1f000, 0x1faff}, /* emoji and other pictures */
		{0x20000, 0x3ffff}, /* Han, further extensions */
	};

	return c >= ranges[0].from && within(ranges, sizeof ranges / sizeof *ranges, c);
}

/* What is written or not without its being another word. */
static bool is_passed_over(uint32_t c)
{
	static const struct range ranges[] = {
		{0x00ad, 0x00ad},   /* soft hyphen */
		{0x034f, 0x034f},   /* grapheme joiner */
		{0x0591, 0x05bd},   /* Hebrew points */
		{0x05bf, 0x05bf},   /* more of them */
		{0x05c1, 0x05c2},   /* more of them */
		{0x05c4, 0x05c5},   /* more of them */
		{0x05c7, 0x05c7},   /* more of them */
		{0x0610, 0x061a},   /* Arabic signs */
		{0x061c, 0x061c},   /* Arabic letter mark */
		{0x0640, 0x0640},   /* tatweel */
		{0x064b, 0x065f},   /* Arabic vowels */
		{0x0670, 0x0670},   /* more of them */
		{0x06d6, 0x06dc},   /* Quranic marks */
		{0x06df, 0x06e8},   /* more of them */
		{0x06ea, 0x06ed},   /* more of them */
		{0x200c, 0x200f},   /* joiners, direction marks */
		{0x202a, 0x202e},   /* embeddings */
		{0x2060, 0x2064},   /* word joiner, invisible operators */
		{0x2066, 0x2069},   /* isolates */
		{0x20e3, 0x20e3},   /* keycap */
		{0xfe00, 0xfe0f},   /* variation selectors */
		{0xfeff, 0xfeff},   /* byte order mark */
		{0x1f3fb, 0x1f3ff}, /* skin tones */
		{0xe0000, 0xe01ef}, /* tags, further variation selectors */
	};

	return c >= ranges[0].from && within(ranges, sizeof ranges / sizeof *ranges, c);
}

/* What the tables leave apart although people type the one for the other: yo, Greek vowels with their accent, full-width forms. */
static uint32_t alike(uint32_t c)
{
	static const struct {
		uint16_t from, to;
	} pairs[] = {{0x0386, 0x03b1}, {0x0388, 0x03b5}, {0x0389, 0x03b7}, {0x038a, 0x03b9}, {0x038c, 0x03bf}, {0x038e, 0x03c5},
		{0x038f, 0x03c9}, {0x0390, 0x03b9}, {0x03aa, 0x03b9}, {0x03ab, 0x03c5}, {0x03ac, 0x03b1}, {0x03ad, 0x03b5}, {0x03ae, 0x03b7},
		{0x03af, 0x03b9}, {0x03b0, 0x03c5}, {0x03ca, 0x03b9}, {0x03cb, 0x03c5}, {0x03cc, 0x03bf}, {0x03cd, 0x03c5}, {0x03ce, 0x03c9},
		{0x0401, 0x0435}, {0x0451, 0x0435}};

	if (c >= 0xff01 && c <= 0xff5e)
		return c - 0xff01 + '!';
	if (c < pairs[0].from || c > 0x0451)
		return c;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i].from == c)
			return pairs[i].to;
	return c;
}

/* The character at p; *len its bytes. */
static uint32_t character(const unsigned char *p, size_t left, size_t *len)
{
	size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? *p : *p & (0x7fu >> n);

	if (n > left)
		n = left; /* not valid: whatever it is, it is not read beyond its end */
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	*len = n;
	return c;
}

static size_t write_character(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	return 0;
}

/* ---- words ---- */

/* A piece of the text on its way to the tokenizer, and where each of its bytes came from. */
struct piece {
	struct arena *arena;
	struct words *out;
	size_t room;
	Fts5Tokenizer *tokenizer;
	char *bytes;
	uint32_t *from, *past; /* of each byte's character: where it begins in the text, and where the next one does */
	size_t len;
};

static void add(struct piece *p, const char *text, size_t len, size_t start, size_t end, bool single)
{
	struct words *w = p->out;

	if (len > WORD_MAX_BYTES)
		for (len = WORD_MAX_BYTES; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
	if (len == 0)
		return;
	if (w->count == p->room) {
		struct word *more = arena_alloc(p->arena, (p->room = p->room * 2 + 16) * sizeof *more);
		if (w->count > 0)
			memcpy(more, w->list, w->count * sizeof *more);
		w->list = more;
	}
	w->list[w->count++] = (struct word){arena_strndup(p->arena, text, len), len, start, end, single};
}

static int token(void *piece, int flags, const char *text, int len, int start, int end)
{
	struct piece *p = piece;

	(void)flags;
	if (end > start)
		add(p, text, (size_t)len, p->from[start], p->past[end - 1], false);
	return SQLITE_OK;
}

static void flush(struct piece *p)
{
	if (p->len > 0 && unicode.xTokenize(p->tokenizer, p, FTS5_TOKENIZE_DOCUMENT, p->bytes, (int)p->len, token) != SQLITE_OK)
		abort();
	p->len = 0;
}

static void append(struct piece *p, const char *at, size_t start, size_t len)
{
	uint32_t was, c;
	size_t n;

	was = character((const unsigned char *)at, len, &n);
	c = alike(was);
	n = c == was ? 0 : write_character(p->bytes + p->len, c);
	if (n == 0)
		memcpy(p->bytes + p->len, at, n = len);
	for (size_t i = 0; i < n; i++) {
		p->from[p->len + i] = (uint32_t)start;
		p->past[p->len + i] = (uint32_t)(start + len);
	}
	p->len += n;
}

void words_of(struct words *out, struct arena *a, const char *text, size_t len)
{
	struct piece p = {.arena = a, .out = out, .tokenizer = tokenizer_new()};
	size_t n;

	*out = (struct words){0};
	p.bytes = malloc(len + 1);
	p.from = malloc((len + 1) * 2 * sizeof *p.from);
	if (!p.bytes || !p.from)
		abort();
	p.past = p.from + len + 1;
	for (size_t i = 0; i < len; i += n) {
		uint32_t c = character((const unsigned char *)text + i, len - i, &n);
		if (c >= 0x80 && is_passed_over(c)) {
			if (p.len > 0)
				p.past[p.len - 1] = (uint32_t)(i + n);
		} else if (c >= 0x80 && is_single(c)) {
			flush(&p);
			add(&p, text + i, n, i, i + n, true);
		} else {
			append(&p, text + i, i, n);
		}
	}
	flush(&p);
	unicode.xDelete(p.tokenizer);
	free(p.from);
	free(p.bytes);
}

/* ---- the index ---- */

static int by_text(const void *a, const void *b)
{
	const struct word *left = a, *right = b;

	return strcmp(left->text, right->text);
}

char *words_index(struct arena *a, const char *scopes, const char *text, size_t len)
{
	struct words w;
	size_t bytes = strlen(scopes) + 1;
	char *row, *end;

	words_of(&w, a, text, len);
	if (w.count == 0)
		return NULL;
	qsort(w.list, w.count, sizeof *w.list, by_text);
	for (size_t i = 0; i < w.count; i++)
		bytes += w.list[i].len + 1;
	row = arena_alloc(a, bytes);
	end = stpcpy(row, scopes);
	for (size_t i = 0; i < w.count; i++) {
		if (i > 0 && strcmp(w.list[i].text, w.list[i - 1].text) == 0)
			continue;
		if (end > row)
			*end++ = ' ';
		end = stpcpy(end, w.list[i].text);
	}
	return row;
}
