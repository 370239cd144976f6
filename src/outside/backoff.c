/* How long to wait before another try: see backoff.h. */
#include "base/id.h"
#include "outside/backoff.h"

int64_t backoff_ms(int attempt, int64_t least_ms, int64_t most_ms)
{
	int64_t ms = least_ms;
	uint32_t random;

	for (int i = 0; i < attempt && ms < most_ms; i++)
		ms *= 2;
	if (ms > most_ms)
		ms = most_ms;
	id_random(&random, sizeof random);
	return ms - (int64_t)(random % 1024) * (ms / 2) / 1024;
}
