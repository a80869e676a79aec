/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A daemon as they are, that knows nothing of systemd: a flag for SIGTERM, another for SIGHUP, both
 * handlers made before sam_register, and a clean-up at the end. SIGUSR1 makes it crash, SIGUSR2
 * hang; with the argument crash it crashes by itself, with quorum it needs that. It writes what it
 * does to standard output. */
#include <corosync/sam.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(int argc, char** argv) {
  unsigned int instance;
  int crashes = argc > 1 && strcmp(argv[1], "crash") == 0;
  int needs_quorum = argc > 1 && strcmp(argv[1], "quorum") == 0;
  handle(SIGTERM);
  handle(SIGHUP);
  handle(SIGUSR2);
  if (sam_initialize(400, needs_quorum ? SAM_RECOVERY_POLICY_QUORUM_RESTART
                                       : SAM_RECOVERY_POLICY_RESTART) != CS_OK)
    return 1;
  if (sam_register(&instance) != CS_OK) return 1;
  if (sam_start() != CS_OK) return 1;
  say("serves");
  if (crashes) abort();
  while (!stop_asked) {
    usleep(20000);
    if (reload_asked) say("reloaded");
    reload_asked = 0;
    while (hang_asked) pause();
    sam_hc_send(); /* its loss is not looked at: a second copy would stay */
  }
  sam_stop();
  usleep(100000);
  say("cleaned up");
  return 0;
}
