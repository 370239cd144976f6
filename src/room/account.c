/* The user that lighttpd runs as: see account.h. */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "room/account.h"

#define ACCOUNT "www-data"

bool account_become(const struct account *a)
{
	return !a->other || (setgroups(0, NULL) == 0 && setresgid(a->gid, a->gid, a->gid) == 0 && setresuid(a->uid, a->uid, a->uid) == 0);
}

bool account_share(const struct account *a, const char *path, mode_t mode)
{
	return !a->other || (chown(path, (uid_t)-1, a->gid) == 0 && chmod(path, mode) == 0);
}

/* Asks as that user, in a child: folders above may be closed to him, and only the kernel knows all the rules. */
static bool can_reach(const struct account *a, const struct place *p)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0) {
		char *errors = place_path("%s/web/errors/errors.lua", p->share), *conf = place_path("%s/lighttpd.conf", p->share);
		bool good = account_become(a) && access(p->web, R_OK | X_OK) == 0 && access(errors, R_OK) == 0 && access(conf, R_OK) == 0 &&
			access(p->state, X_OK) == 0 && access(p->scratch, X_OK) == 0 && access(p->files, X_OK) == 0;
		free(errors);
		free(conf);
		_exit(good ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Opens a way through the folder. One that is open already, or is not ours alone, stays as somebody else has made it. */
static bool open_passage(const struct account *a, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && ((st.st_mode & 07777) != 0700 || account_share(a, path, 0710));
}

/* Files that lighttpd sends (X-Sendfile) are the group's to read: what is made in the folder inherits it, see store/vault.c. Whose folder it was before is
 * all one. */
static bool share_files(const struct account *a, const char *path)
{
	return !*path || (chown(path, (uid_t)-1, a->gid) == 0 && chmod(path, 02710) == 0);
}

void account_choose(struct account *a, const struct place *p)
{
	struct passwd *user = geteuid() == 0 ? getpwnam(ACCOUNT) : NULL;
	char *upload = place_path("%s/upload", p->scratch);

	*a = (struct account){.other = user != NULL, .uid = user ? user->pw_uid : 0, .gid = user ? user->pw_gid : 0};
	if (a->other) {
		if (!open_passage(a, p->state) || !open_passage(a, p->scratch) || chown(upload, a->uid, a->gid) != 0 || !share_files(a, p->files) ||
			!share_files(a, p->memory) || !can_reach(a, p)) {
			a->other = false;
			(void)!chown(upload, 0, 0);
			(void)!chmod(p->files, 0700);
			if (*p->memory)
				(void)!chmod(p->memory, 0700);
		}
	}
	free(upload);
}
