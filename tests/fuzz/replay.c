/* Stands in for libFuzzer in `make unit`: runs a target over the files of a directory, then over each of them cut short and with each byte
 * changed a little. Deterministic, and quick. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void run(const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1); /* its end is watched by the sanitizers */

	if (!exact)
		abort();
	memcpy(exact, data, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static void run_all(uint8_t *data, size_t len)
{
	run(data, len);
	for (size_t i = 0; i < len && i < 600; i++) {
		uint8_t kept = data[i];
		run(data, i);
		data[i] ^= (uint8_t)(1 << i % 8);
		run(data, len);
		data[i] = (uint8_t)(i * 37);
		run(data, len);
		data[i] = kept;
	}
}

int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];
	struct dirent *entry;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	int files = 0;

	if (!dir) {
		fprintf(stderr, "usage: %s directory\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir)) != NULL) {
		char path[1024];
		FILE *f;
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
		f = fopen(path, "rb");
		if (!f) {
			perror(path);
			return 1;
		}
		run_all(data, fread(data, 1, sizeof data, f));
		fclose(f);
		files++;
	}
	closedir(dir);
	return files > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
