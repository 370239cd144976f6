/* chat/rights: what the table must never say, whoever edits it. tests/lasting/rights.test.mjs crosses it with the routes. */
#include "unit.h"
#include "chat/rights.h"

static const char *const roles[] = {"customer", "member", "agent", "business", "admin"};
static const char *const types[] = {"direct", "group", "business"};

static void unknown_ones_may_nothing(void **state)
{
	static const char *const strangers[] = {"", "king", "Admin", "direct", "student", "counselor", "member "};

	(void)state;
	for (size_t t = 0; t < COUNT(types); t++)
		for (int r = 0; r < RIGHT_COUNT_; r++)
			for (size_t i = 0; i < COUNT(strangers); i++)
				assert_false(rights_may(strangers[i], types[t], (enum right)r));
	for (size_t i = 0; i < COUNT(strangers); i++)
		assert_false(rights_role(strangers[i]));
	assert_false(rights_role(RIGHTS_SERVICE));
	for (size_t i = 0; i < COUNT(roles); i++)
		assert_true(rights_role(roles[i]));
}

static void direct_ones_are_for_two(void **state)
{
	static const enum right never[] = {RIGHT_INVITE, RIGHT_REMOVE, RIGHT_ROLES, RIGHT_LEAVE};

	(void)state;
	for (size_t i = 0; i < COUNT(never); i++) {
		for (size_t r = 0; r < COUNT(roles); r++)
			assert_false(rights_may(roles[r], "direct", never[i]));
		assert_false(rights_may(RIGHTS_SERVICE, "direct", never[i]));
	}
	for (size_t r = 0; r < COUNT(roles); r++)
		assert_int_equal(rights_may(roles[r], "direct", RIGHT_READ), strcmp(roles[r], "member") == 0);
}

/* A group's admin may whatever any other member may; MainServer reads nothing. */
static void admins_and_service(void **state)
{
	static const enum right words[] = {
		RIGHT_READ, RIGHT_SEND, RIGHT_EDIT_OWN, RIGHT_DELETE_OTHERS, RIGHT_RECEIPTS, RIGHT_UPLOAD, RIGHT_THREADS};

	(void)state;
	for (int r = 0; r < RIGHT_COUNT_; r++)
		for (size_t i = 0; i < COUNT(roles); i++)
			if (rights_may(roles[i], "group", (enum right)r))
				assert_true(rights_may("admin", "group", (enum right)r));
	for (size_t t = 0; t < COUNT(types); t++)
		for (size_t i = 0; i < COUNT(words); i++)
			assert_false(rights_may(RIGHTS_SERVICE, types[t], words[i]));
}

static void nobody_gives_more_than_he_has(void **state)
{
	(void)state;
	for (size_t by = 0; by < COUNT(roles); by++)
		for (size_t as = 0; as < COUNT(roles); as++) {
			if (!rights_may_invite_as(roles[by], roles[as]))
				continue;
			assert_true(rights_may(roles[by], "group", RIGHT_INVITE));
			for (int r = 0; r < RIGHT_COUNT_; r++)
				if (rights_may(roles[as], "group", (enum right)r))
					assert_true(rights_may(roles[by], "group", (enum right)r));
		}
	assert_false(rights_may_invite_as("agent", "business"));
	assert_false(rights_may_invite_as("business", "admin"));
	assert_false(rights_may_invite_as("admin", "king"));
	assert_true(rights_may_invite_as(RIGHTS_SERVICE, "admin"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(unknown_ones_may_nothing), cmocka_unit_test(direct_ones_are_for_two),
		cmocka_unit_test(admins_and_service), cmocka_unit_test(nobody_gives_more_than_he_has)};

	return cmocka_run_group_tests_name("rights", tests, NULL, NULL);
}
