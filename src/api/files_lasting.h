/* What files.c hands on for lasting conversations. Internal to api/files*.c. */
#ifndef API_FILES_LASTING_H
#define API_FILES_LASTING_H

#include "api/upload.h"

void files_lasting_upload(struct upload *u); /* takes u over */
void files_lasting_show(struct exchange *x);
void files_lasting_drop(struct exchange *x);

/* files.c's, for both */
const char *files_refusal(enum err e);
void files_begin(struct upload *u, void (*take)(void *upload));       /* runs it on a thread of its own, or refuses */
void files_refuse(struct upload *u, enum err e, const char *details); /* frees u and answers */
void files_dropped(struct exchange *x, enum err e);

#endif
