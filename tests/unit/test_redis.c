/* store/redis.c: a name that takes long to become an address holds nobody up. The resolver of this program is the test's. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"
#include "base/clock.h"
#include "store/redis.h"

enum { AT_ONCE_MS = 700 };

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_int asked;

/* While the gate is shut, a name's address does not come. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (strcmp(node, "redis.far-away.test") == 0) {
		atomic_fetch_add(&asked, 1);
		pthread_mutex_lock(&gate);
		pthread_mutex_unlock(&gate);
		node = "127.0.0.1";
	}
	return real(node, service, hints, out);
}

static int listen_at(char address[64])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(address, 64, "redis://redis.far-away.test:%d", ntohs(a.sin_port));
	return fd;
}

static bool comes(int fd, int within_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, within_ms) == 1;
}

static void answered(void *ctx, const struct reply *reply)
{
	assert_null(reply);
	atomic_store((atomic_int *)ctx, 1);
}

static void ping(struct redis *r, int timeout_ms, atomic_int *done)
{
	struct args a;

	args_init(&a);
	args_str(&a, "PING");
	redis_call(r, &a, timeout_ms, answered, done);
}

static bool until_asked(void)
{
	for (int i = 0; i < 500 && atomic_load(&asked) == 0; i++)
		usleep(10000);
	return atomic_load(&asked) > 0;
}

static void who_calls_is_not_held_up(void **state)
{
	char address[64];
	int fd = listen_at(address);
	atomic_int done = 0;
	struct redis *r;

	(void)state;
	atomic_store(&asked, 0);
	pthread_mutex_lock(&gate);
	assert_int_equal(redis_new(&r, address), OK);
	redis_start(r);
	assert_true(until_asked());
	int64_t began = clock_mono_ms();
	ping(r, 300, &done);
	assert_true(clock_mono_ms() - began < AT_ONCE_MS);
	for (int i = 0; i < 500 && !atomic_load(&done); i++)
		usleep(10000);
	assert_int_equal(atomic_load(&done), 1); /* its time is over, whatever the resolver does */
	assert_false(comes(fd, 0));
	assert_int_equal(atomic_load(&asked), 1); /* not one more thread for each attempt */
	pthread_mutex_unlock(&gate);
	assert_true(comes(fd, 5000));
	redis_free(r);
	close(fd);
}

static void nor_is_a_loop(void **state)
{
	char address[64];
	int fd = listen_at(address);
	struct redis *r;

	(void)state;
	atomic_store(&asked, 0);
	pthread_mutex_lock(&gate);
	assert_int_equal(redis_new(&r, address), OK);
	int64_t began = clock_mono_ms(), next = redis_tick(r);
	assert_true(clock_mono_ms() - began < AT_ONCE_MS);
	assert_true(next > began && next <= began + 1000); /* to look again */
	assert_true(until_asked());
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < 500 && !comes(fd, 10); i++)
		redis_tick(r);
	assert_true(comes(fd, 0));
	redis_free(r);
	close(fd);
}

static void one_can_go_meanwhile(void **state)
{
	struct redis *r;

	(void)state;
	atomic_store(&asked, 0);
	pthread_mutex_lock(&gate);
	assert_int_equal(redis_new(&r, "redis://redis.far-away.test:6379"), OK);
	redis_start(r);
	assert_true(until_asked());
	int64_t began = clock_mono_ms();
	redis_free(r);
	assert_true(clock_mono_ms() - began < AT_ONCE_MS);
	pthread_mutex_unlock(&gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_calls_is_not_held_up),
		cmocka_unit_test(nor_is_a_loop),
		cmocka_unit_test(one_can_go_meanwhile),
	};

	alarm(60);
	return cmocka_run_group_tests_name("redis", tests, NULL, NULL);
}
