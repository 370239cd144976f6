/* The baseline's program: the least a FastCGI program can do, so that the table shows what the web server and the machine alone cost. */
#include <err.h>
#include <fcgiapp.h>
#include <pthread.h>
#include <signal.h>

#include "bench.h"

enum { THREADS = 2, BACKLOG = 4096 };

static void *serve(void *arg)
{
	FCGX_Request request;

	if (FCGX_InitRequest(&request, *(int *)arg, 0) != 0)
		errx(2, "FCGX_InitRequest");
	while (FCGX_Accept_r(&request) == 0) {
		FCGX_PutS("Status: 204\r\n\r\n", request.out);
		FCGX_Finish_r(&request);
	}
	return NULL;
}

int empty_main(const char *path)
{
	pthread_t thread[THREADS];
	int fd;

	if (FCGX_Init() != 0 || (fd = FCGX_OpenSocket(path, BACKLOG)) < 0)
		errx(2, "%s", path);
	signal(SIGTERM, SIG_DFL); /* libfcgi's own handler wakes one thread only */
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, serve, &fd) != 0)
			errx(2, "thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
