/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A daemon as they are, that knows nothing of systemd: a flag for SIGTERM, another for SIGHUP, both
 * handlers made before sam_register, and a clean-up at the end. SIGUSR1 makes it crash, SIGUSR2
 * hang. It writes what it does to standard output. Its arguments are wishes: with crash it crashes
 * by itself, with quorum it needs that, with quit a failure is the end, with slow its interval is
 * long; with alone it does not use SAM at all, and notes in the file of the next argument that it
 * is well. */
#include <corosync/sam.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t stop_asked, reload_asked, hang_asked;

static void on_signal(int number) {
  if (number == SIGTERM) stop_asked = 1;
  if (number == SIGHUP) reload_asked = 1;
  if (number == SIGUSR2) hang_asked = 1;
}

static void handle(int number) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = on_signal;
  sigaction(number, &action, NULL);
}

static void say(const char* what) {
  printf("%s pid=%d\n", what, (int)getpid());
  fflush(stdout);
}

/* The argument after that one, or NULL. */
static const char* wish(char** argv, const char* name) {
  for (; *argv != NULL; argv++) {
    if (strcmp(*argv, name) == 0) return argv[1] != NULL ? argv[1] : "";
  }
  return NULL;
}

static int start_sam(char** argv) {
  unsigned int policy =
      wish(argv, "quit") != NULL ? SAM_RECOVERY_POLICY_QUIT : SAM_RECOVERY_POLICY_RESTART;
  unsigned int instance;
  if (wish(argv, "quorum") != NULL) policy |= SAM_RECOVERY_POLICY_QUORUM;
  if (sam_initialize(wish(argv, "slow") != NULL ? 3000 : 400, (sam_recovery_policy_t)policy) !=
      CS_OK)
    return 0;
  return sam_register(&instance) == CS_OK && sam_start() == CS_OK;
}

int main(int argc, char** argv) {
  const char* file = wish(argv, "alone");
  (void)argc;
  handle(SIGTERM);
  handle(SIGHUP);
  handle(SIGUSR2);
  if (file == NULL && !start_sam(argv)) return 1;
  say("serves");
  if (wish(argv, "crash") != NULL) abort();
  while (!stop_asked) {
    usleep(20000);
    if (reload_asked) say("reloaded");
    reload_asked = 0;
    while (hang_asked) pause();
    if (file == NULL)
      sam_hc_send(); /* its loss is not looked at: a second copy would stay */
    else
      close(open(file, O_CREAT | O_TRUNC | O_WRONLY, 0600));
  }
  if (file == NULL) sam_stop();
  usleep(100000);
  say("cleaned up");
  return 0;
}
