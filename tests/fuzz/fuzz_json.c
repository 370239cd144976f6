/* Any bytes as a body: what is taken can be written and read again, and is the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	json_t *value = NULL, *again = NULL;
	enum err e = json_read(&value, (const char *)data, len, JSON_DEPTH);
	char *text;

	if ((e == OK) != (value != NULL) || (e != OK && e != ERR_BAD_JSON && e != ERR_BAD_CONTENT))
		abort();
	if (!value)
		return 0;
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	if (!text || json_read(&again, text, strlen(text), JSON_DEPTH) != OK || !json_equal(value, again))
		abort();
	free(text);
	json_decref(value);
	json_decref(again);
	return 0;
}
