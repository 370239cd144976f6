/* The REST program: lighttpd talks to it over the socket on descriptor 0. Accepting threads run guard and handler; the store's reply threads answer
 * (design §4). SIGTERM: no more accepting, what is open is answered, for two seconds at most. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/guard.h"
#include "api/routes.h"
#include "api/upload.h"
#include "base/config.h"
#include "base/crew.h"
#include "base/log.h"
#include "base/seal.h"
#include "chat/announce.h"
#include "chat/hashing.h"
#include "outside/depot.h"
#include "outside/fetch.h"
#include "store/dbpool.h"
#include "store/store.h"

#define THREADS_MAX 8 /* as ROOM_API_THREADS */
#define DRAIN_MS 2000
#define DB_WAITING_MOST 1024

#define CONVERSATION "/api/conversations/{id}"

static const struct route routes[] = {
	{METHOD_POST, CONVERSATION "/messages", WHO_KEEPER, ACT_SEND, messages_send},
	{METHOD_GET, CONVERSATION "/messages", WHO_MEMBER, ACT_HISTORY, messages_list},
	{METHOD_PATCH, CONVERSATION "/messages/{mid}", WHO_KEEPER, ACT_SEND, messages_edit},
	{METHOD_DELETE, CONVERSATION "/messages/{mid}", WHO_KEEPER, ACT_SEND, messages_delete},
	{METHOD_POST, CONVERSATION "/files", WHO_MEMBER, ACT_SEND, files_upload},
	{METHOD_GET, CONVERSATION "/files/{fid}", WHO_MEMBER, ACT_HISTORY, files_show},
	{METHOD_DELETE, CONVERSATION "/files/{fid}", WHO_MEMBER, ACT_SEND, files_drop},
	{METHOD_PUT, CONVERSATION "/alive", WHO_MEMBER, 0, signals_alive},
	{METHOD_POST, CONVERSATION "/typing", WHO_MEMBER, 0, signals_typing},
	{METHOD_PUT, CONVERSATION "/read", WHO_MEMBER, 0, signals_read},
	{METHOD_GET, CONVERSATION "/presence", WHO_MEMBER, 0, signals_presence},
	{METHOD_PUT, CONVERSATION "/device", WHO_PARTICIPANT, 0, devices_put_own},
	{METHOD_DELETE, CONVERSATION "/device", WHO_PARTICIPANT, 0, devices_delete_own},
	{METHOD_POST, CONVERSATION "/end", WHO_PARTICIPANT, ACT_END, closing_end},
	{METHOD_GET, "/api/conversations", WHO_MANAGER, 0, conversations_list_all},
	{METHOD_POST, "/api/conversations", WHO_MANAGER, 0, conversations_create},
	{METHOD_GET, CONVERSATION, WHO_MANAGER, 0, conversations_show},
	{METHOD_PUT, CONVERSATION, WHO_MANAGER, 0, conversations_change},
	{METHOD_DELETE, CONVERSATION, WHO_KEEPER, ACT_ERASE, conversations_erase_any},
	{METHOD_GET, CONVERSATION "/participants", WHO_MANAGER, 0, participants_list},
	{METHOD_POST, CONVERSATION "/participants", WHO_MANAGER, 0, participants_add},
	{METHOD_PUT, CONVERSATION "/participants/{pid}", WHO_MANAGER, 0, participants_change},
	{METHOD_DELETE, CONVERSATION "/participants/{pid}", WHO_MANAGER, 0, participants_remove},
	{METHOD_PUT, CONVERSATION "/mute", WHO_USER, 0, participants_mute},
	{METHOD_POST, CONVERSATION "/threads", WHO_USER, 0, threads_begin},
	{METHOD_GET, CONVERSATION "/threads", WHO_USER, 0, threads_list_all},
	{METHOD_GET, CONVERSATION "/threads/{tid}", WHO_USER, 0, threads_show},
	{METHOD_POST, CONVERSATION "/threads/{tid}", WHO_USER, 0, threads_send},
	{METHOD_POST, "/chats/{userId}/send", WHO_USER, 0, chats_send},
	{METHOD_GET, "/chats/{userId}/with/{withUser}", WHO_USER, 0, chats_with},
	{METHOD_POST, CONVERSATION "/cookie", WHO_ENTRANT, 0, entrance_cookie},
	{METHOD_DELETE, CONVERSATION "/cookie", WHO_ANYONE, 0, entrance_cookie_clear},
	{METHOD_POST, CONVERSATION "/stream-ticket", WHO_MEMBER, 0, entrance_stream_ticket},
	{METHOD_POST, CONVERSATION "/summary", WHO_PARTICIPANT, ACT_SUMMARY, summary_post},
	{METHOD_GET, CONVERSATION "/summary", WHO_PARTICIPANT, 0, summary_show},
	{METHOD_GET, CONVERSATION "/summary/consent", WHO_PARTICIPANT, 0, summary_show_consent},
	{METHOD_PUT, CONVERSATION "/summary/consent", WHO_PARTICIPANT, 0, summary_put_consent},
	{METHOD_POST, "/api/sessions", WHO_SERVICE, 0, sessions_create},
	{METHOD_GET, "/api/sessions/{id}", WHO_SERVICE, 0, sessions_show},
	{METHOD_PUT, "/api/sessions/{id}", WHO_SERVICE, 0, sessions_assign},
	{METHOD_DELETE, "/api/sessions/{id}", WHO_SERVICE, 0, sessions_erase},
	{METHOD_POST, "/api/sessions/{id}/end", WHO_SERVICE, 0, sessions_end},
	{METHOD_POST, "/api/sessions/{id}/tickets", WHO_SERVICE, 0, sessions_ticket},
	{METHOD_PUT, "/api/participants/{id}/device", WHO_SERVICE, 0, devices_put_person},
	{METHOD_DELETE, "/api/participants/{id}/device", WHO_SERVICE, 0, devices_delete_person},
	{METHOD_GET, "/api/desk", WHO_DESK, 0, desk_show},
	{METHOD_POST, "/api/desk/cookie", WHO_DESK_ENTRANT, 0, entrance_own_cookie},
	{METHOD_DELETE, "/api/desk/cookie", WHO_ANYONE, 0, entrance_desk_cookie_clear},
	{METHOD_POST, "/api/desk/stream-ticket", WHO_DESK, 0, entrance_own_stream_ticket},
	{METHOD_POST, "/api/desk/sessions/{id}/ticket", WHO_DESK, 0, desk_session_ticket},
	{METHOD_GET, "/api/desk/summaries", WHO_DESK, 0, desk_summaries},
	{METHOD_GET, "/api/desk/summaries/{id}", WHO_DESK, 0, desk_summary},
	{METHOD_GET, "/api/cases/{ref}/summaries", WHO_SERVICE, 0, cases_summaries},
	{METHOD_DELETE, "/api/cases/{ref}", WHO_SERVICE, 0, cases_erase},
	{METHOD_POST, "/auth/register", WHO_ANYONE, 0, auth_register},
	{METHOD_POST, "/auth/login", WHO_ANYONE, 0, auth_login},
	{METHOD_POST, "/auth/logout", WHO_ANYONE, 0, auth_logout},
	{METHOD_POST, "/auth/refresh", WHO_USER, 0, account_refresh},
	{METHOD_GET, "/auth/me", WHO_USER, 0, account_me},
	{METHOD_PUT, "/auth/me", WHO_USER, 0, account_rename},
	{METHOD_DELETE, "/auth/me", WHO_USER, 0, account_delete},
	{METHOD_PUT, "/auth/password", WHO_USER, 0, account_password},
	{METHOD_POST, "/api/cookie", WHO_USER_ENTRANT, 0, entrance_own_cookie},
	{METHOD_DELETE, "/api/cookie", WHO_ANYONE, 0, entrance_user_cookie_clear},
	{METHOD_POST, "/api/stream-ticket", WHO_USER, 0, entrance_own_stream_ticket},
	{METHOD_GET, "/api/search", WHO_USER, 0, search_show},
	{METHOD_GET, "/health", WHO_ANYONE, 0, health_show},
	{METHOD_GET, "/metrics", WHO_ANYONE, 0, health_metrics},
};

static void *serve(void *unused)
{
	struct exchange *x;

	(void)unused;
	while ((x = exchange_accept()))
		router_run(routes, sizeof routes / sizeof *routes, x, guard_run);
	return NULL;
}

/* Signals are waited for, not caught: one that interrupts the reading of a request would lose it, its sender would get an error. */
static const sigset_t *ends(void)
{
	static sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return &set;
}

static int setup(void)
{
	const char *why = NULL;

	pthread_sigmask(SIG_BLOCK, ends(), NULL); /* all threads inherit it */
	if (config_load() != 0)
		return -1;
	log_init("api", log_level_of(config_text("ROOM_LOG")));
	if (ticket_setup(&why) != OK) {
		fprintf(stderr, "ROOM_JWT_SECRET: %s\n", why);
		return -1;
	}
	if (exchange_setup() != OK) {
		fputs("api.fcgi: descriptor 0 must be a listening socket\n", stderr);
		return -1;
	}
	if (*config_text("ROOM_S3_URL") && !depot_used()) {
		fputs("ROOM_S3_URL needs ROOM_S3_BUCKET, ROOM_S3_KEY and ROOM_S3_SECRET, too\n", stderr);
		return -1;
	}
	fetch_setup();
	exchange_leave_bodies(upload_leaves_body);
	if (store_open() != OK) {
		fputs("ROOM_REDIS: no address I understand\n", stderr);
		return -1;
	}
	if (seal_setup(&why) == ERR_BAD_REQUEST) {
		fprintf(stderr, "ROOM_KEYS: %s\n", why);
		return -1;
	}
	dbpool_open((int)config_number("ROOM_DB_THREADS"), DB_WAITING_MOST);
	announce_open();
	return 0;
}

int main(void)
{
	pthread_t threads[THREADS_MAX];
	int64_t count;
	int signal_number;

	if (setup() != 0)
		return 1;
	count = config_number("ROOM_API_THREADS");
	log_line(LOG_INFO, "api.start", "i:threads", count, NULL);
	for (int64_t i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, serve, NULL) != 0)
			return 1;
	sigwait(ends(), &signal_number);
	exchange_shutdown();
	for (int64_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	exchange_drain(DRAIN_MS);
	if (crew_busy() > 0) { /* somebody uploads slowly: he is cut off, and whatever he has left is swept */
		log_line(LOG_INFO, "api.end", "i:cut", (int64_t)crew_busy(), NULL);
		_exit(0);
	}
	hashing_close();
	announce_close();
	dbpool_close();
	store_close(); /* what still waits for Redis is answered 503 */
	exchange_drain(DRAIN_MS / 10);
	log_line(LOG_INFO, "api.end", NULL);
	return 0;
}
