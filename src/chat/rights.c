/* See rights.h. Asked by every handler of lasting conversations, by the streams, and by `room rights`. */
#include <string.h>

#include "chat/rights.h"

enum column { CUSTOMER = 1, MEMBER = 2, AGENT = 4, BUSINESS = 8, ADMIN = 16, DIRECT = 32, SERVICE = 64 };
#define GROUP (CUSTOMER | MEMBER | AGENT | BUSINESS | ADMIN)
#define EVERYBODY (GROUP | DIRECT)
#define STAFF (AGENT | BUSINESS | ADMIN)

static const struct {
	const char *name;
	enum column column;
} columns[] = {{"customer", CUSTOMER}, {"member", MEMBER}, {"agent", AGENT}, {"business", BUSINESS}, {"admin", ADMIN}, {"direct", DIRECT},
	{RIGHTS_SERVICE, SERVICE}};
#define COLUMNS (sizeof columns / sizeof *columns)

/* clang-format off: a row a line, so that it reads as the table it is */
static const struct {
	const char *name, *means;
	unsigned who;
} rows[RIGHT_COUNT_] = {
	[RIGHT_SEE] = {"see", "see the conversation and who is in it", EVERYBODY | SERVICE},
	[RIGHT_READ] = {"read", "read messages, threads, files, follow the stream", EVERYBODY},
	[RIGHT_SEND] = {"send", "send messages, show that one types", EVERYBODY},
	[RIGHT_EDIT_OWN] = {"edit_own", "edit one's own messages", EVERYBODY},
	[RIGHT_DELETE_OWN] = {"delete_own", "delete one's own messages", EVERYBODY},
	[RIGHT_DELETE_OTHERS] = {"delete_others", "delete others' messages", STAFF},
	[RIGHT_RECEIPTS] = {"receipts", "read and delivered marks of one's own", EVERYBODY},
	[RIGHT_UPLOAD] = {"upload", "upload files", EVERYBODY},
	[RIGHT_THREADS] = {"threads", "begin threads", EVERYBODY},
	[RIGHT_MUTE] = {"mute", "mute it for oneself", EVERYBODY},
	[RIGHT_LEAVE] = {"leave", "leave", GROUP},
	[RIGHT_INVITE] = {"invite", "bring people in", STAFF | SERVICE},
	[RIGHT_REMOVE] = {"remove", "remove others", ADMIN | SERVICE},
	[RIGHT_ROLES] = {"roles", "change roles", ADMIN | SERVICE},
	[RIGHT_SILENCE] = {"silence", "silence somebody for a while", ADMIN | SERVICE},
	[RIGHT_RENAME] = {"rename", "change title, channel and metadata", STAFF | SERVICE},
	[RIGHT_STATUS] = {"status", "set the status", STAFF | DIRECT | SERVICE},
	[RIGHT_RETENTION] = {"retention", "set how long messages are kept", ADMIN | DIRECT | SERVICE},
	[RIGHT_ERASE] = {"erase", "erase the whole conversation", ADMIN | DIRECT | SERVICE},
	[RIGHT_SYSTEM] = {"system", "send `system` messages", SERVICE},
};
/* clang-format on */

static unsigned column_of(const char *role, const char *type)
{
	if (strcmp(type, "direct") == 0 && strcmp(role, RIGHTS_SERVICE) != 0)
		return strcmp(role, "member") == 0 ? DIRECT : 0;
	for (size_t i = 0; i < COLUMNS; i++)
		if (columns[i].column != DIRECT && strcmp(columns[i].name, role) == 0)
			return columns[i].column;
	return 0;
}

bool rights_may(const char *role, const char *type, enum right right)
{
	unsigned column = column_of(role, type);

	if (!(rows[right].who & column))
		return false;
	/* Two people and no more: that is what a direct conversation is, for MainServer too. */
	return strcmp(type, "direct") != 0 || (right != RIGHT_INVITE && right != RIGHT_REMOVE && right != RIGHT_ROLES);
}

bool rights_role(const char *role)
{
	return (column_of(role, "group") & GROUP) != 0;
}

bool rights_may_invite_as(const char *by, const char *role)
{
	unsigned as = column_of(role, "group"), mine = column_of(by, "group");

	if (mine & (ADMIN | SERVICE))
		return (as & GROUP) != 0;
	if (!(mine & (AGENT | BUSINESS)))
		return false;
	return (as & (CUSTOMER | MEMBER | AGENT)) != 0 || as == mine;
}

static void write_list(struct buf *out, unsigned who)
{
	const char *comma = "";

	buf_char(out, '[');
	for (size_t i = 0; i < COLUMNS; i++)
		if (who & columns[i].column) {
			buf_printf(out, "%s\"%s\"", comma, columns[i].name);
			comma = ",";
		}
	buf_char(out, ']');
}

void rights_json(struct buf *out)
{
	BUF_LIT(out, "{\"columns\":");
	write_list(out, ~0U);
	BUF_LIT(out, ",\"rights\":[");
	for (size_t i = 0; i < RIGHT_COUNT_; i++) {
		buf_printf(out, "%s{\"right\":\"%s\",\"means\":\"%s\",\"may\":", i ? "," : "", rows[i].name, rows[i].means);
		write_list(out, rows[i].who);
		buf_char(out, '}');
	}
	BUF_LIT(out, "]}");
}

void rights_markdown(struct buf *out)
{
	BUF_LIT(out, "| |");
	for (size_t i = 0; i < COLUMNS; i++)
		buf_printf(out, " %s |", columns[i].name);
	BUF_LIT(out, "\n|---|");
	for (size_t i = 0; i < COLUMNS; i++)
		BUF_LIT(out, ":-:|");
	for (size_t i = 0; i < RIGHT_COUNT_; i++) {
		buf_printf(out, "\n| %s |", rows[i].means);
		for (size_t k = 0; k < COLUMNS; k++)
			buf_str(out, rows[i].who & columns[k].column ? " yes |" : " |");
	}
	buf_char(out, '\n');
}
