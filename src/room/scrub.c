/* lighttpd's error log on its way into the file: see scrub.h. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "room/scrub.h"

#define LINE_MAX_BYTES 65536 /* lighttpd's own lines are shorter; more is thrown away */

size_t scrub_line(char *line, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		line[out++] = line[i];
		if (line[i] == '?')
			while (i + 1 < len && line[i + 1] != ' ')
				i++;
	}
	return out;
}

bool scrub_init(struct scrub *s, int file)
{
	int ends[2];

	*s = (struct scrub){.from = -1, .to_pipe = -1, .file = file};
	buf_init(&s->line, LINE_MAX_BYTES);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	s->from = ends[0];
	s->to_pipe = ends[1];
	return fcntl(s->from, F_SETFL, O_NONBLOCK) == 0;
}

void scrub_done(struct scrub *s)
{
	if (s->from >= 0)
		close(s->from);
	if (s->to_pipe >= 0)
		close(s->to_pipe);
	buf_done(&s->line);
}

/* A log that cannot be written (a full disk) must not stop the service: the line is lost. */
static void flush_line(struct scrub *s)
{
	if (buf_ok(&s->line) && s->line.len > 0) {
		s->line.len = scrub_line(s->line.data, s->line.len);
		buf_char(&s->line, '\n');
		if (buf_ok(&s->line))
			(void)!write(s->file, s->line.data, s->line.len);
	}
	buf_reset(&s->line);
}

void scrub_pump(struct scrub *s)
{
	char bytes[16384];
	ssize_t got;

	while ((got = read(s->from, bytes, sizeof bytes)) > 0) {
		const char *at = bytes, *end = bytes + got, *nl;
		while ((nl = memchr(at, '\n', (size_t)(end - at)))) {
			buf_add(&s->line, at, (size_t)(nl - at));
			flush_line(s);
			at = nl + 1;
		}
		buf_add(&s->line, at, (size_t)(end - at));
	}
}
