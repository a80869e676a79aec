/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An echo server under SAM and systemd; echod.service is its unit. It shows what a network daemon
 * has to do, and where:
 *
 *   before sam_register   read the configuration and LISTEN_FDS, open the socket: every instance
 *                         has them, and connections wait in it while there is none
 *   after it              restore what the last instance knew, start threads, sam_start, READY=1
 *   SIGHUP                read the configuration again, and store it: the next instance begins with
 *                         what the supervisor has kept since sam_register, which is the old one
 *   SIGTERM               stop cleanly
 *
 * Both signals reach the supervisor, which passes them on: SAM_FORWARD in the unit.
 *
 * Usage: echod CONFIGURATION SOCKET. The first line of CONFIGURATION is the prefix of each
 * answer. */
#define _GNU_SOURCE
#include <corosync/corotypes.h>
#include <corosync/sam.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { kWorkers = 2, kIntervalMs = 1000, kTickMs = 100, kFirstPassedFd = 3 };

/* What outlives an instance. */
struct state {
    char prefix[64];
    unsigned int reloads;
};

static struct state state; /* written by the main thread, with the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int epoll_fd, listening;
static unsigned long
    rounds[kWorkers]; /* of each worker's loop: how the main thread sees it lives */

static int fail(const char *what, cs_error_t result)
{
    fprintf(stderr, "<3>%s: %s\n", what, cs_strerror(result));
    return EXIT_FAILURE;
}

/* As sd_notify(3) does. */
static void notify(const char *message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path != NULL ? strlen(path) : 0;
    int fd;
    if (length == 0 || length >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, length);
    if (*path == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
        perror("<4>notify");
    close(fd);
}

static int read_configuration(const char *path)
{
    char prefix[sizeof(state.prefix)] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    if (fgets(prefix, sizeof(prefix), file) != NULL)
        prefix[strcspn(prefix, "\n")] = '\0';
    fclose(file);
    pthread_mutex_lock(&lock);
    memcpy(state.prefix, prefix, sizeof(prefix));
    pthread_mutex_unlock(&lock);
    return 0;
}

/* systemd passes its socket to the process that it has started: look for it before sam_register. */
static int open_socket(const char *path)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;
    if (pid != NULL && count != NULL && atoi(pid) == getpid() && atoi(count) > 0)
        return kFirstPassedFd;
    if (strlen(path) >= sizeof(address.sun_path))
        return -1;
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 16) != 0)
        return -1;
    return fd;
}

static void watch(int operation, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = fd};
    epoll_ctl(epoll_fd, operation, fd, &event);
}

static void welcome(void)
{
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        watch(EPOLL_CTL_ADD, fd);
    watch(EPOLL_CTL_MOD, listening);
}

static void answer(int fd)
{
    char text[512], line[sizeof(text) + sizeof(state.prefix)];
    ssize_t size = read(fd, text, sizeof(text));
    size_t length;
    if (size <= 0) {
        close(fd);
        return;
    }
    pthread_mutex_lock(&lock);
    length = strlen(state.prefix);
    memcpy(line, state.prefix, length);
    pthread_mutex_unlock(&lock);
    memcpy(line + length, text, (size_t)size);
    if (send(fd, line, length + (size_t)size, MSG_NOSIGNAL) < 0)
        perror("<4>send");
    watch(EPOLL_CTL_MOD, fd);
}

static void *work(void *argument)
{
    unsigned long *round = argument;
    for (;;) {
        struct epoll_event event;
        if (epoll_wait(epoll_fd, &event, 1, kTickMs) == 1) {
            if (event.data.fd == listening)
                welcome();
            else
                answer(event.data.fd);
        }
        __atomic_add_fetch(round, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* That one thread answers says little about the others: we are healthy if each has moved on. */
static int all_move_on(void)
{
    static unsigned long seen[kWorkers];
    int moved = 1, i;
    for (i = 0; i < kWorkers; ++i) {
        unsigned long now = __atomic_load_n(&rounds[i], __ATOMIC_RELAXED);
        if (now == seen[i])
            moved = 0;
    }
    if (moved)
        for (i = 0; i < kWorkers; ++i)
            seen[i] = __atomic_load_n(&rounds[i], __ATOMIC_RELAXED);
    return moved;
}

static void reload(const char *path)
{
    if (read_configuration(path) != 0) {
        perror("<4>configuration");
        return;
    }
    ++state.reloads;
    if (sam_data_store(&state, sizeof(state)) != CS_OK)
        fprintf(stderr, "<4>the next instance will not know of the reload\n");
    fprintf(stderr, "<6>reloaded, %u times now\n", state.reloads);
}

/* Until SIGTERM. */
static void serve(const char *configuration, const sigset_t *signals)
{
    const struct timespec tick = {.tv_nsec = kTickMs * 1000000L};
    for (;;) {
        int number = sigtimedwait(signals, NULL, &tick);
        if (number == SIGTERM)
            return;
        if (number == SIGHUP)
            reload(configuration);
        if (!all_move_on())
            continue;
        if (sam_hc_send() != CS_OK)
            exit(EXIT_FAILURE); /* the supervisor is gone */
        notify("WATCHDOG=1");
    }
}

static int start_workers(void)
{
    pthread_t thread;
    int i;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        return -1;
    watch(EPOLL_CTL_ADD, listening);
    for (i = 0; i < kWorkers; ++i)
        if (pthread_create(&thread, NULL, work, &rounds[i]) != 0)
            return -1;
    return 0;
}

int main(int argc, char **argv)
{
    unsigned int instance;
    cs_error_t result;
    sigset_t signals;
    if (argc != 3) {
        fprintf(stderr, "usage: echod CONFIGURATION SOCKET\n");
        return EXIT_FAILURE;
    }
    /* Taken by sigtimedwait, in the main thread. Blocked across sam_register too: the supervisor
   * lets in by itself what SAM_FORWARD names. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    listening = open_socket(argv[2]);
    if (listening < 0 || read_configuration(argv[1]) != 0) {
        perror("<3>echod");
        return EXIT_FAILURE;
    }
    result = sam_initialize(kIntervalMs, SAM_RECOVERY_POLICY_RESTART);
    if (result != CS_OK)
        return fail("sam_initialize", result);
    result = sam_register(&instance);
    if (result != CS_OK)
        return fail("sam_register", result);

    result = sam_data_restore(&state, sizeof(state));
    if (result != CS_OK)
        return fail("sam_data_restore", result);
    if (start_workers() != 0) {
        perror("<3>workers");
        return EXIT_FAILURE;
    }
    result = sam_start();
    if (result != CS_OK)
        return fail("sam_start", result);
    fprintf(stderr, "<6>instance %u serves\n", instance);
    notify("READY=1");

    serve(argv[1], &signals);
    notify("STOPPING=1");
    result = sam_stop(); /* first: a clean-up may take longer than an interval */
    if (result != CS_OK)
        return fail("sam_stop", result);
    fprintf(stderr, "<6>instance %u has stopped\n", instance);
    return EXIT_SUCCESS;
}
