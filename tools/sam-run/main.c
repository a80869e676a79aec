/* SPDX-License-Identifier: BSD-3-Clause
 * sam-run: any program under SAM. This process registers and stays as the supervisor, inside the
 * library; each instance waits for quorum, if asked to, gets a checker, if it needs one, and turns
 * into the command by exec.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arguments.h"
#include "sam-run/checker.h"
#include "sam-run/options.h"

enum {
    RETRY_PERIOD = 250,    /* ms, while the daemon is not there */
    CHECKS_IN_A_GRACE = 4, /* where the only check is that the command lives */
};

/* 0 if the file can be executed, else errno. */
static int look_at(const char *path)
{
    struct stat file;

    if (stat(path, &file) != 0)
        return errno;
    if (!S_ISREG(file.st_mode))
        return EACCES;
    return access(path, X_OK) == 0 ? 0 : errno;
}

/* As execvp() will look for it. Found out now, and not after each restart. */
static int find(const char *name)
{
    const char *path = getenv("PATH");
    char candidate[4096];
    int result = ENOENT;

    if (strchr(name, '/') != NULL)
        return look_at(name);
    if (path == NULL)
        path = "/bin:/usr/bin";
    while (name[0] != '\0') {
        size_t length = strcspn(path, ":");
        const char *slash = length > 0 ? "/" : "";
        int error = snprintf(candidate, sizeof(candidate), "%.*s%s%s", (int)length, path, slash,
                             name) < (int)sizeof(candidate)
                        ? look_at(candidate)
                        : ENAMETOOLONG;

        if (error == 0)
            return 0;
        if (error == EACCES)
            result = EACCES;
        if (path[length] == '\0')
            break;
        path += length + 1;
    }
    return result;
}

static int complain_of_command(const char *name, int error)
{
    complain("'%s' cannot be run: %s", name, strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

/* Whether the library forks, and there is somebody to be stopped. */
static volatile sig_atomic_t has_instance;

static void note_instance(void)
{
    has_instance = 1;
}

/* A stop while there is no supervisor yet: nothing runs, so this is the orderly end. As the first
 * process of a container we would not even be ended by the default action. Later it is what it
 * would be without us. */
static void leave(int signal_number)
{
    if (!has_instance)
        _exit(0);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static const int stop_signals[] = {SIGTERM, SIGINT, SIGQUIT};
enum { STOP_SIGNALS = sizeof(stop_signals) / sizeof(stop_signals[0]) };
static struct sigaction found[STOP_SIGNALS];

static void let_stops_in(void)
{
    struct sigaction leaving = {.sa_handler = leave};
    bool will_know = pthread_atfork(note_instance, NULL, NULL) == 0;

    for (int i = 0; i < STOP_SIGNALS; i++) {
        sigaction(stop_signals[i], NULL, &found[i]);
        if (will_know && found[i].sa_handler == SIG_DFL)
            sigaction(stop_signals[i], &leaving, NULL);
    }
}

static void restore_stops(void)
{
    for (int i = 0; i < STOP_SIGNALS; i++)
        sigaction(stop_signals[i], &found[i], NULL);
}

/* Whether the daemon may do later what it does not do now. */
static bool may_pass(const struct options *options, cs_error_t error)
{
    unsigned daemon_flags = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_CMAP;

    if (!(options->policy & daemon_flags))
        return false;
    return error != CS_ERR_ACCESS && error != CS_ERR_INVALID_PARAM && error != CS_ERR_BAD_HANDLE;
}

/* Tells once why nothing happens yet, then waits for a moment. False when there is no hope. */
static bool wait_for_daemon(const struct options *options, cs_error_t error)
{
    static bool has_told;

    if (!may_pass(options, error)) {
        complain("SAM cannot be used: %s", cs_strerror(error));
        return false;
    }
    if (!has_told)
        complain("waits for corosync (%s)", cs_strerror(error));
    has_told = true;
    poll(NULL, 0, RETRY_PERIOD);
    return true;
}

static bool initialize(const struct options *options)
{
    cs_error_t error;

    while ((error = sam_initialize((int)options->grace, options->policy)) != CS_OK) {
        if (!wait_for_daemon(options, error))
            return false;
    }
    if (options->warn_signal == NO_SIGNAL_GIVEN)
        return true;
    return sam_warn_signal_set(options->warn_signal) == CS_OK;
}

/* Returns in each instance; the supervisor stays inside. */
static bool become_instance(const struct options *options)
{
    cs_error_t error;

    while ((error = sam_register(NULL)) != CS_OK) {
        has_instance = 0;
        if (!wait_for_daemon(options, error))
            return false;
    }
    return true;
}

/* Returns only if it fails, with the exit status. */
static int run(const struct options *options)
{
    struct checks checks = {.command = options->check, .period = (int)options->interval};
    cs_error_t error = sam_start();
    int error_number;

    if (error != CS_OK) {
        complain("the supervision cannot be started: %s", cs_strerror(error));
        return EXIT_OWN_FAILURE;
    }
    if (options->check == NULL)
        checks.period = (int)options->grace / CHECKS_IN_A_GRACE + 1;
    if (options->grace > 0 && !start_checker(&checks)) {
        complain("the checker cannot be started: %s", strerror(errno));
        return EXIT_OWN_FAILURE;
    }
    clear_environment();
    execvp(options->command[0], options->command);
    error_number = errno;
    (void)sam_stop(); /* another instance would not fare better */
    return complain_of_command(options->command[0], error_number);
}

int main(int argc, char *argv[])
{
    struct options options;
    int status = take_options(argc, argv, &options);
    int error;

    if (status >= 0)
        return status;
    error = find(options.command[0]);
    if (error != 0)
        return complain_of_command(options.command[0], error);
    let_stops_in(); /* each of the two may wait for the daemon for a minute */
    if (!initialize(&options) || !become_instance(&options))
        return EXIT_OWN_FAILURE;
    restore_stops();
    return run(&options);
}
