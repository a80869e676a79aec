/* SPDX-License-Identifier: BSD-3-Clause
 * sam-worker: counts, and goes on counting whatever happens to it: SAM starts it again and hands it
 * the count that it had stored. Commands come line by line on stdin: "crash", "hang" and "fail"
 * (its health check), "quit" or the end of the input. It says how long it was away each time.
 * Usage: sam-worker [-q] [INTERVAL_MS]; with -q it runs only while the cluster is quorate.
 * Build: cc sam-worker.c -o sam-worker -lpthread \
 *            $(pkg-config --cflags --libs libsam libcorosync_common)
 */
#define _POSIX_C_SOURCE 200809L
#include <corosync/sam.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What one instance leaves to the next. */
struct notes {
    uint64_t count;
    int64_t failed_at; /* nanoseconds, 0: not on command */
    char failure[8];
};

static struct notes notes;
static int sick;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the above from check_health */

static void check(const char *what, cs_error_t error)
{
    if (error == CS_OK)
        return;
    fprintf(stderr, "sam-worker: %s: %s\n", what, cs_strerror(error));
    exit(1);
}

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Called by SAM's thread. It takes the lock that the work takes: if the work hangs with the lock
 * held, this hangs too, and a callback that does not return counts as a hang. */
static int check_health(void)
{
    int result;

    pthread_mutex_lock(&lock);
    result = sick ? -1 : 0;
    pthread_mutex_unlock(&lock);
    return result;
}

static void keep(void)
{
    check("sam_data_store", sam_data_store(&notes, sizeof(notes)));
}

static void greet(unsigned int instance)
{
    check("sam_data_restore", sam_data_restore(&notes, sizeof(notes))); /* nothing yet: all zeros */
    printf("instance %u counts on from %llu", instance, (unsigned long long)notes.count);
    if (notes.failed_at != 0)
        printf(", %.1f ms after \"%s\"", (double)(now() - notes.failed_at) / 1e6, notes.failure);
    printf("\n");
    notes.failed_at = 0;
}

/* Returns 0 when the work is to end. With the lock held. */
static int obey(const char *command)
{
    if (strcmp(command, "quit") == 0)
        return 0;
    snprintf(notes.failure, sizeof(notes.failure), "%.7s", command);
    notes.failed_at = now();
    keep();
    if (strcmp(command, "crash") == 0)
        raise(SIGSEGV);
    else if (strcmp(command, "hang") == 0)
        for (;;)
            pause();
    else if (strcmp(command, "fail") == 0)
        sick = 1;
    else
        notes.failed_at = 0;
    return 1;
}

/* Reads as much as is there, without stdio: what a crash leaves in a buffer would be lost. */
static int read_command(char *line, size_t size)
{
    ssize_t length = read(STDIN_FILENO, line, size - 1);

    if (length <= 0)
        return 0;
    line[length] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return 1;
}

static void count(void)
{
    pthread_mutex_lock(&lock);
    notes.count++;
    if (!sick) /* a store is a sign of life, like a health check */
        keep();
    pthread_mutex_unlock(&lock);
}

static void work(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char command[64];
    int going_on = 1;

    while (going_on) {
        int asked = poll(&input, 1, 1) > 0;

        count();
        if (!asked)
            continue;
        pthread_mutex_lock(&lock);
        going_on = read_command(command, sizeof(command)) && obey(command);
        pthread_mutex_unlock(&lock);
    }
}

int main(int argc, char *argv[])
{
    int quorum = argc > 1 && strcmp(argv[1], "-q") == 0;
    int interval = argc > 1 + quorum ? atoi(argv[1 + quorum]) : 200;
    unsigned int instance;

    setvbuf(stdout, NULL, _IOLBF, 0); /* nothing buffered when the process is split or killed */
    check("sam_initialize", sam_initialize(interval, quorum ? SAM_RECOVERY_POLICY_QUORUM_RESTART
                                                            : SAM_RECOVERY_POLICY_RESTART));
    check("sam_register", sam_register(&instance)); /* every instance starts here */
    greet(instance);
    check("sam_hc_callback_register", sam_hc_callback_register(check_health));
    check("sam_start", sam_start()); /* with -q: waits for quorum */
    count();
    printf("instance %u works\n", instance); /* and from here on has something to lose */
    work();
    check("sam_stop", sam_stop()); /* from here on, ending is no failure */
    printf("instance %u ends at %llu\n", instance, (unsigned long long)notes.count);
    return 0;
}
