/* What is answered to somebody whose login stands. */
#ifndef API_LOGIN_ANSWER_H
#define API_LOGIN_ANSWER_H

#include "api/guard.h"

/* Answers 200 {"token","expiresAt","as","user":{"id","name"}} with a new token that rests on the login. */
void login_answer(struct exchange *x, const char *person, const char *name, const char *login);

#endif
