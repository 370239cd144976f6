/* JSON lines on standard error. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/sip.h"
#include "base/utf8.h"

#define MAX_LINE 4000 /* under PIPE_BUF, so that a pipe takes it whole too */

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *program_name = "room";
static enum log_level threshold = LOG_INFO;
static struct sip_key ref_key;

void log_init(const char *program, enum log_level least)
{
	program_name = program;
	threshold = least;
	id_random(&ref_key, sizeof ref_key);
}

enum log_level log_level_of(const char *name)
{
	for (int i = 0; i < (int)(sizeof level_names / sizeof *level_names); i++)
		if (strcmp(name, level_names[i]) == 0)
			return (enum log_level)i;
	return LOG_INFO;
}

char *log_ref(char out[17], const char *id)
{
	snprintf(out, 17, "%016llx", (unsigned long long)sip_hash(&ref_key, id, strlen(id)));
	return out;
}

static void add_text(struct buf *line, const char *text)
{
	size_t len;

	if (!text)
		text = "";
	len = strlen(text);
	if (utf8_valid(text, len))
		buf_json(line, text, len);
	else
		BUF_LIT(line, "\"(not UTF-8)\"");
}

static void add_head(struct buf *line, enum log_level level, const char *event)
{
	buf_printf(line, "{\"at\":%lld,\"level\":\"%s\",\"program\":", (long long)clock_now_ms(), level_names[level]);
	add_text(line, program_name);
	buf_printf(line, ",\"pid\":%d,\"event\":", (int)getpid());
	add_text(line, event);
}

void log_line(enum log_level level, const char *event, ...)
{
	struct buf line;
	va_list args;
	const char *name;
	ssize_t written;

	if (level < threshold)
		return;
	buf_init(&line, MAX_LINE);
	add_head(&line, level, event);
	va_start(args, event);
	while ((name = va_arg(args, const char *)) != NULL) {
		assert((name[0] == 's' || name[0] == 'i') && name[1] == ':');
		buf_char(&line, ',');
		add_text(&line, name + 2);
		buf_char(&line, ':');
		if (name[0] == 'i')
			buf_int(&line, va_arg(args, int64_t));
		else
			add_text(&line, va_arg(args, const char *));
	}
	va_end(args);
	BUF_LIT(&line, "}\n");
	if (!buf_ok(&line)) { /* too long: say at least what happened */
		buf_reset(&line);
		add_head(&line, level, event);
		BUF_LIT(&line, ",\"cut\":true}\n");
	}
	if (buf_ok(&line)) {
		written = write(STDERR_FILENO, line.data, line.len);
		(void)written; /* a log that cannot be written must not stop anything */
	}
	buf_done(&line);
}
