/* Any bytes as text: what utf8_valid takes, jansson takes as a JSON string made by buf_json, gives back unchanged, and stands on one line. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	bool valid = utf8_valid(text, len);
	struct buf b;
	json_t *back;

	utf8_blank(text, len);
	buf_init(&b, len * 6 + 10);
	buf_json(&b, text, len);
	if (!buf_ok(&b))
		abort();
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.data[i] < ' ')
			abort();
	back = json_loadb(b.data, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (valid != (back != NULL))
		abort();
	if (back && (json_string_length(back) != len || memcmp(json_string_value(back), text, len) != 0))
		abort();
	json_decref(back);
	buf_done(&b);
	return 0;
}
