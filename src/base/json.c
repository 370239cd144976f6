/* The strict reader for bodies and tickets. */
#include <stdbool.h>

#include "base/json.h"

/* Brackets outside of strings never nest deeper than most. What is wrong otherwise is for the parser to find. */
static bool shallow(const char *text, size_t len, int most)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > most)
				return false;
		} else if (c == ']' || c == '}') {
			depth--;
		}
	}
	return true;
}

enum err json_read(json_t **out, const char *text, size_t len, int max_depth)
{
	json_error_t what;
	json_t *value;

	if (!shallow(text, len, max_depth))
		return ERR_BAD_JSON;
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &what);
	if (!value)
		return json_error_code(&what) == json_error_null_character ? ERR_BAD_CONTENT : ERR_BAD_JSON;
	*out = value;
	return OK;
}
