/* The handlers of the REST routes, a file per resource; cgi-bin/api.c has the table. Each runs after guard_run, on an accepting thread or where that left it (api/guard.h): it does not block, and either answers or hands
 * the exchange to one call of the domain, whose callback answers. Once a call was made the exchange may be gone: handlers touch nothing of it afterwards. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "http/exchange.h"

/* sessions.c: MainServer's */
void sessions_create(struct exchange *x);
void sessions_show(struct exchange *x);
void sessions_assign(struct exchange *x);
void sessions_end(struct exchange *x);
void sessions_erase(struct exchange *x);
void sessions_ticket(struct exchange *x);

/* messages.c */
void messages_send(struct exchange *x);
void messages_list(struct exchange *x);
void messages_edit(struct exchange *x);
void messages_delete(struct exchange *x);

/* files.c */
void files_upload(struct exchange *x);
void files_show(struct exchange *x);
void files_drop(struct exchange *x);

/* signals.c: what passes */
void signals_typing(struct exchange *x);
void signals_read(struct exchange *x);
void signals_alive(struct exchange *x);
void signals_presence(struct exchange *x);

/* devices.c: push targets, one's own or (MainServer) a person's */
void devices_put_own(struct exchange *x);
void devices_delete_own(struct exchange *x);
void devices_put_person(struct exchange *x);
void devices_delete_person(struct exchange *x);

/* closing.c: what a participant may do to the whole conversation */
void closing_end(struct exchange *x);
void closing_erase(struct exchange *x);

/* conversations.c: lasting ones */
void conversations_list_all(struct exchange *x);
void conversations_create(struct exchange *x);
void conversations_show(struct exchange *x);
void conversations_change(struct exchange *x);
void conversations_erase_any(struct exchange *x); /* or a session */

/* participants.c: who is in a lasting one */
void participants_list(struct exchange *x);
void participants_add(struct exchange *x);
void participants_change(struct exchange *x);
void participants_remove(struct exchange *x);
void participants_mute(struct exchange *x);

/* threads.c */
void threads_begin(struct exchange *x);
void threads_list_all(struct exchange *x);
void threads_show(struct exchange *x);
void threads_send(struct exchange *x);

/* chats.c: direct messages by user */
void chats_send(struct exchange *x);
void chats_with(struct exchange *x);

/* entrance.c: the ways into EventSource */
void entrance_cookie(struct exchange *x);
void entrance_cookie_clear(struct exchange *x);
void entrance_stream_ticket(struct exchange *x);
void entrance_own_cookie(struct exchange *x); /* of one's own desk or feed */
void entrance_own_stream_ticket(struct exchange *x);
void entrance_desk_cookie_clear(struct exchange *x);
void entrance_user_cookie_clear(struct exchange *x);

/* auth.c, logout.c: logins */
void auth_register(struct exchange *x);
void auth_login(struct exchange *x);
void auth_logout(struct exchange *x);

/* account.c: one's own account */
void account_me(struct exchange *x);
void account_refresh(struct exchange *x);
void account_rename(struct exchange *x);
void account_password(struct exchange *x);
void account_delete(struct exchange *x);

/* desk.c: a counselor's list of sessions */
void desk_show(struct exchange *x);
void desk_session_ticket(struct exchange *x);

/* desk_summaries.c: what was kept for a counselor, also of sessions that are over */
void desk_summaries(struct exchange *x);
void desk_summary(struct exchange *x);

/* summary.c: a session's summary; cases.c: those of a case, for MainServer */
void summary_post(struct exchange *x);
void summary_show(struct exchange *x);
void summary_show_consent(struct exchange *x);
void summary_put_consent(struct exchange *x);
void cases_summaries(struct exchange *x);
void cases_erase(struct exchange *x);

/* search.c */
void search_show(struct exchange *x);

/* health.c */
void health_show(struct exchange *x);
void health_metrics(struct exchange *x);

#endif
