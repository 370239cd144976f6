/* Places where a test can make a process die or stop: FAILPOINT("push.after_send"). Nothing at all but in test builds (ROOM_TEST), where
 * ROOM_TEST_FAILPOINT=push.after_send:kill@2 kills the process as it comes there the second time; `stall` holds the thread for ever, `stop` the process until
 * SIGCONT, `hold=FILE` makes that file and holds the thread until the file is gone. With @FILE it
 * is that file that says so (ask.sql:kill), to whichever process comes there first, and once: the file goes. Any thread. */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#ifdef ROOM_TEST
void failpoint(const char *name);
#define FAILPOINT(name) failpoint(name)
#else
#define FAILPOINT(name) ((void)0)
#endif

#endif
