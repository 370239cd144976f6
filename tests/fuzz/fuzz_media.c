/* Any bytes as a file: what is taken is stripped to something that is taken again as the same, and then loses nothing more. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void put(void *ctx, const void *bytes, size_t len)
{
	buf_add(ctx, bytes, len);
}

static bool strip(const struct media_type *type, const uint8_t *data, size_t len, struct buf *out, struct media_size *size)
{
	const struct media_sink sink = {put, out};

	buf_init(out, len + 64); /* a turned picture's note may be added, nothing else */
	*size = (struct media_size){0};
	return type->strip(&sink, data, len, size) && (buf_ok(out) || (abort(), false));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct media_type *type = media_sniff(data, len);
	struct media_size size, again;
	struct buf once, twice;

	if (!type || !type->strip)
		return 0;
	if (strip(type, data, len, &once, &size)) {
		if (media_sniff((const uint8_t *)once.data, once.len) != type)
			abort();
		if (!strip(type, (const uint8_t *)once.data, once.len, &twice, &again) || twice.len != once.len ||
			memcmp(twice.data, once.data, once.len) != 0 || again.width != size.width || again.height != size.height)
			abort();
		buf_done(&twice);
	}
	buf_done(&once);
	return 0;
}
