/* base/id and base/sip: the grammar of ids, random ones that never repeat (not after a fork either), hashes with known answers. */
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "base/id.h"
#include "base/sip.h"

static void grammar(void **state)
{
	char text[70];

	(void)state;
	assert_true(id_valid("a", 1));
	assert_true(id_valid("sess_1-Z", 8));
	assert_false(id_valid("", 0));
	memset(text, 'x', sizeof text);
	assert_true(id_valid(text, 64));
	assert_false(id_valid(text, 65));
	for (int c = 0; c < 256; c++) {
		bool allowed = c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", c);
		text[0] = text[2] = 'a';
		text[1] = (char)c;
		assert_int_equal(id_valid(text, 3), allowed);
		text[2] = (char)c; /* at the end: no forgiven line end */
		assert_int_equal(id_valid(text, 3), allowed);
	}
}

static void fresh_ones(void **state)
{
	char a[64], b[64];
	bool seen[256] = {false};
	int kinds = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		id_new(a, "sess_");
		id_new(b, "sess_");
		assert_int_equal(strlen(a), 27);
		assert_memory_equal(a, "sess_", 5);
		assert_true(id_valid(a, 27));
		assert_string_not_equal(a, b);
		for (const char *p = a + 5; *p; p++)
			seen[(unsigned char)*p] = true;
	}
	for (int c = 0; c < 256; c++)
		kinds += seen[c];
	assert_int_equal(kinds, 62);
}

static void hex_digits(void **state)
{
	char a[40];

	(void)state;
	for (size_t len = 0; len < 33; len++) {
		memset(a, '!', sizeof a);
		id_hex(a, len);
		assert_int_equal(strlen(a), len);
		assert_int_equal(strspn(a, "0123456789abcdef"), len);
		assert_int_equal(a[len + 1], '!');
	}
}

static void long_random_is_not_repeated(void **state)
{
	unsigned char bytes[1000];

	(void)state;
	id_random(bytes, sizeof bytes);
	for (size_t i = 16; i + 16 <= sizeof bytes; i += 16)
		assert_memory_not_equal(bytes, bytes + i, 16);
}

/* What a forked child draws. */
static void childs_draw(unsigned char drawn[32])
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		id_random(drawn, 32);
		_exit(write(ends[1], drawn, 32) == 32 ? 0 : 1);
	}
	assert_int_equal(read(ends[0], drawn, 32), 32);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ends[0]);
	close(ends[1]);
}

static void a_fork_draws_its_own(void **state)
{
	unsigned char mine[32], first[32], second[32];

	(void)state;
	id_random(mine, 1); /* the pool is full now, and each child gets a copy */
	childs_draw(first);
	childs_draw(second);
	id_random(mine, sizeof mine);
	assert_memory_not_equal(mine, first, 32);
	assert_memory_not_equal(mine, second, 32);
	assert_memory_not_equal(first, second, 32);
}

static void hashes(void **state)
{
	unsigned char bytes[15];
	struct sip_key key;
	char a[9], b[9];

	(void)state;
	assert_true(id_fnv("", 0) == 0xcbf29ce484222325); /* the published vectors of FNV-1a */
	assert_true(id_fnv("a", 1) == 0xaf63dc4c8601ec8c);
	assert_true(id_fnv("foobar", 6) == 0x85944171f73967e8);
	for (int i = 0; i < 15; i++)
		bytes[i] = (unsigned char)i;
	memcpy(&key, "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16);
	assert_true(sip_hash(&key, bytes, 15) == 0xa129ca6149be45e5); /* the example of the SipHash paper, appendix A */
	assert_true(sip_hash(&key, "", 0) == 0x726fdb47dd0e0e31);
	id_short_hash(a, "student:anon_1");
	id_short_hash(b, "student:anon_2");
	assert_int_equal(strlen(a), 8);
	assert_int_equal(strspn(a, "0123456789abcdef"), 8);
	assert_string_not_equal(a, b);
	id_short_hash(b, "student:anon_1");
	assert_string_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(fresh_ones),
		cmocka_unit_test(hex_digits),
		cmocka_unit_test(long_random_is_not_repeated),
		cmocka_unit_test(a_fork_draws_its_own),
		cmocka_unit_test(hashes),
	};

	return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
