// SPDX-License-Identifier: BSD-3-Clause
// Calls every function that both libraries have, against a running daemon, and prints what came
// back. Linked with either library and run with either, it must print the same.
// Usage: every_function FOLDER, from where the libraries must have been loaded.
#define _GNU_SOURCE
#include <corosync/corotypes.h>
#include <corosync/sam.h>
#include <corosync/votequorum.h>

#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL(call) printf("%s: %s\n", #call, cs_strerror(call))

static int refuse_strangers(struct dl_phdr_info* info, size_t size, void* folder) {
  const char* slash = strrchr(info->dlpi_name, '/');

  (void)size;
  if (slash == NULL || (strncmp(slash, "/libsam.", 8) != 0 && strncmp(slash, "/libvoteq", 9) != 0 &&
                        strncmp(slash, "/libcorosync_common.", 20) != 0))
    return 0;
  if (strncmp(info->dlpi_name, folder, strlen(folder)) == 0) return 0;
  printf("wrong library: %s\n", info->dlpi_name);
  exit(2);
}

static void common(void) {
  static const int codes[] = {0, -EAGAIN, -EINVAL, -ENOMEM, -EMFILE, -EBADF, -EACCES, -ENOTCONN, 1};
  size_t i;

  for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
    printf("%d: qb %d, hdb %d\n", (int)i, (int)qb_to_cs_error(codes[i]),
           (int)hdb_error_to_cs(codes[i]));
}

static void on_quorum(votequorum_handle_t handle, uint64_t context, uint32_t quorate,
                      uint32_t entries, votequorum_node_t nodes[]) {
  uint32_t i;

  (void)handle;
  printf("quorum: context %" PRIu64 ", quorate %" PRIu32 ":", context, quorate);
  for (i = 0; i < entries; i++) printf(" %" PRIu32 "/%" PRIu32, nodes[i].nodeid, nodes[i].state);
  puts("");
}

static void on_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring_id,
                        uint32_t entries, uint32_t nodes[]) {
  void* keeper;
  uint32_t i;

  printf("nodelist: context %" PRIu64 ", ring %" PRIu32 ":", context, ring_id.nodeid);
  for (i = 0; i < entries; i++) printf(" %" PRIu32, nodes[i]);
  puts("");
  if (votequorum_context_get(handle, &keeper) == CS_OK) *(votequorum_ring_id_t*)keeper = ring_id;
}

static void on_expected_votes(votequorum_handle_t handle, uint64_t context, uint32_t votes) {
  (void)handle;
  printf("expected votes: context %" PRIu64 ", %" PRIu32 "\n", context, votes);
}

// Only on success: theirs also writes when it fails.
static void print_info(votequorum_handle_t handle, unsigned int nodeid) {
  struct votequorum_info info;
  const cs_error_t result = votequorum_getinfo(handle, nodeid, &info);

  printf("votequorum_getinfo of %u: %s\n", nodeid, cs_strerror(result));
  if (result != CS_OK) return;
  printf("%u %u %u %u %u %u %u %u %u '%s'\n", info.node_id, info.node_state, info.node_votes,
         info.node_expected_votes, info.highest_expected, info.total_votes, info.quorum, info.flags,
         info.qdevice_votes, info.qdevice_name);
}

// The daemon answers before the new name counts.
static void await_name(votequorum_handle_t handle, const char* name) {
  struct votequorum_info info;
  int i;

  for (i = 0; i < 10000; i++) {
    if (votequorum_getinfo(handle, 0, &info) != CS_OK || strcmp(info.qdevice_name, name) == 0)
      return;
    usleep(1000);
  }
  printf("the name is still %s\n", info.qdevice_name);
}

static void qdevice(votequorum_handle_t handle, votequorum_ring_id_t ring) {
  votequorum_ring_id_t wrong = ring;

  wrong.seq++;
  CALL(votequorum_qdevice_register(handle, ""));
  CALL(votequorum_qdevice_poll(handle, "first", 1, ring));
  CALL(votequorum_qdevice_register(handle, "first"));
  CALL(votequorum_qdevice_register(handle, "another"));
  CALL(votequorum_qdevice_update(handle, "another", "second"));
  CALL(votequorum_qdevice_update(handle, "first", "second"));
  await_name(handle, "second");
  CALL(votequorum_qdevice_poll(handle, "second", 1, wrong));
  CALL(votequorum_qdevice_poll(handle, "second", 1, ring));
  CALL(votequorum_qdevice_master_wins(handle, "second", 1));
  print_info(handle, 0);
  CALL(votequorum_qdevice_master_wins(handle, "second", 0));
  CALL(votequorum_qdevice_unregister(handle, "first"));
  CALL(votequorum_qdevice_unregister(handle, "second"));
}

static void votequorum(void) {
  votequorum_callbacks_t callbacks = {on_quorum, on_expected_votes, on_nodelist};
  votequorum_ring_id_t ring = {0, 0};
  votequorum_handle_t handle = 0;
  struct pollfd event = {-1, POLLIN, 0};

  CALL(votequorum_initialize(&handle, &callbacks));
  CALL(votequorum_context_set(handle, &ring));
  CALL(votequorum_fd_get(handle, &event.fd));
  CALL(votequorum_dispatch(handle, (cs_dispatch_flags_t)9));
  CALL(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
  CALL(votequorum_trackstart(handle, 5, CS_TRACK_CHANGES));
  printf("readable: %d\n", poll(&event, 1, 10000));
  CALL(votequorum_dispatch(handle, CS_DISPATCH_ALL));
  CALL(votequorum_trackstart(handle, 6, CS_TRACK_CHANGES_ONLY));
  CALL(votequorum_setexpected(handle, 0));
  CALL(votequorum_setvotes(handle, 77, 1));
  CALL(votequorum_setvotes(handle, 1, 1));
  CALL(votequorum_setexpected(handle, 1));
  CALL(votequorum_dispatch(handle, CS_DISPATCH_ONE));
  CALL(votequorum_trackstop(handle));
  CALL(votequorum_trackstop(handle));
  print_info(handle, 0);
  print_info(handle, 77);
  qdevice(handle, ring);
  CALL(votequorum_finalize(handle));
  CALL(votequorum_finalize(handle));
}

static int healthy(void) { return 0; }

static void first_instance(void) {
  size_t size = 99;

  CALL(sam_data_getsize(&size));
  printf("size %zu\n", size);
  CALL(sam_data_store("kept", 5));
  CALL(sam_warn_signal_set(SIGUSR1));
  CALL(sam_hc_callback_register(NULL));
  CALL(sam_hc_callback_register(healthy));
  CALL(sam_hc_send());
  CALL(sam_stop());
  CALL(sam_start());
  CALL(sam_start());
  CALL(sam_hc_send());
  CALL(sam_stop());
  CALL(sam_start());
  raise(SIGKILL);
}

static void second_instance(void) {
  char data[8] = "";
  size_t size = 0;

  CALL(sam_data_getsize(&size));
  CALL(sam_data_restore(data, 1));
  CALL(sam_data_restore(data, sizeof(data)));
  printf("size %zu, '%s'\n", size, data);
  CALL(sam_start());
  // The kill may come before or after the return.
  if (sam_mark_failed() != CS_OK) puts("could not be marked as failed");
  for (;;) pause();
}

// Runs a function in a process of its own and prints how it ended.
static void in_child(const char* name, void (*function)(void)) {
  const pid_t pid = fork();
  int status = -1;

  if (pid == 0) {
    function();
    exit(6);
  }
  waitpid(pid, &status, 0);
  printf("%s: exit %d, signal %d\n", name, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
         WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void sam_restart_and_fail(void) {
  unsigned int instance = 0;

  CALL(sam_hc_send());
  CALL(sam_initialize(1000, (sam_recovery_policy_t)3));
  CALL(sam_initialize(60000, SAM_RECOVERY_POLICY_RESTART | SAM_RECOVERY_POLICY_CMAP));
  CALL(sam_register(&instance));
  printf("instance %u\n", instance);
  if (instance == 1)
    first_instance();
  else
    second_instance();
}

static void sam_quorum_and_finalize(void) {
  CALL(sam_initialize(0, SAM_RECOVERY_POLICY_QUORUM_QUIT));
  CALL(sam_register(NULL));
  CALL(sam_start());
  CALL(sam_mark_failed());
  CALL(sam_finalize());
  CALL(sam_finalize());
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  setvbuf(stdout, NULL, _IONBF, 0);
  dl_iterate_phdr(refuse_strangers, argv[1]);
  common();
  votequorum();
  in_child("restart and fail", sam_restart_and_fail);
  in_child("quorum and finalize", sam_quorum_and_finalize);
  return 0;
}
