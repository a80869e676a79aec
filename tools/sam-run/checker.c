/* SPDX-License-Identifier: BSD-3-Clause
 * The checker stands beside the command, which is the instance itself: signals, exit code and core
 * dump are the command's own. All that the checker does is to call sam_hc_send() while it finds the
 * command healthy; the warning and the kill are the supervisor's.
 */
#define _GNU_SOURCE
#include "sam-run/checker.h"

#include <corosync/sam.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/descriptors.h"

enum { LOOK_PERIOD = 50 }; /* ms, where the kernel has no pidfd */

/* Another process, and how to wait for its end. */
struct watched {
    pid_t pid;
    int fd; /* its pidfd; -1 where there is none */
};

static struct watched instance;
static sigset_t mask_of_command;

static int64_t now(void)
{
    return (int64_t)(cs_timestamp_get() / CS_TIME_NS_IN_MSEC);
}

/* The numbers of the standard streams are the check's. */
static int open_pidfd(pid_t pid)
{
    return move_above_streams((int)syscall(SYS_pidfd_open, pid, 0));
}

static bool instance_has_ended(void)
{
    struct pollfd event = {.fd = instance.fd, .events = POLLIN};

    if (instance.fd >= 0)
        return poll(&event, 1, 0) > 0;
    return kill(instance.pid, 0) != 0 && errno == ESRCH;
}

/* Returns when the time has come, or earlier when one of the two has ended. */
static void wait_until(int64_t due, const struct watched *other)
{
    struct pollfd events[] = {{.fd = instance.fd, .events = POLLIN},
                              {.fd = other != NULL ? other->fd : -1, .events = POLLIN}};
    int64_t left = due - now();

    if (left <= 0)
        return;
    if ((instance.fd < 0 || (other != NULL && other->fd < 0)) && left > LOOK_PERIOD)
        left = LOOK_PERIOD;
    poll(events, 2, left > INT_MAX ? INT_MAX : (int)left);
}

/* Of the check: also when nobody waits for it. */
static bool has_ended(pid_t pid, siginfo_t *info)
{
    info->si_pid = 0;
    return waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG | WNOWAIT) == 0 && info->si_pid != 0;
}

_Noreturn static void become_check(const char *command, pid_t checker)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != checker)
        _exit(0);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    sigprocmask(SIG_SETMASK, &mask_of_command, NULL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Nothing of it stays behind: its group goes before its number can be given to another. */
static void clear_away(struct watched *check)
{
    int status;

    kill(-check->pid, SIGKILL);
    while (waitpid(check->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (check->fd >= 0)
        close(check->fd);
}

static void wake_up(int number)
{
    (void)number;
}

/* As complain(), but lost if nobody reads it within a tenth of a second: a checker that waits for
 * that is late. */
__attribute__((format(printf, 1, 2))) static void complain_in_time(const char *format, ...)
{
    struct sigaction interrupt = {.sa_handler = wake_up};
    struct itimerval patience = {{0, 100000}, {0, 100000}}; /* us */
    struct itimerval none = {{0, 0}, {0, 0}};
    sigset_t alarm_only;
    va_list arguments;

    sigaction(SIGALRM, &interrupt, NULL);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
    setitimer(ITIMER_REAL, &patience, NULL);
    va_start(arguments, format);
    complain_with(format, arguments);
    va_end(arguments);
    setitimer(ITIMER_REAL, &none, NULL);
    sigprocmask(SIG_BLOCK, &alarm_only, NULL);
}

static bool is_good(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED && info->si_status == 0)
        return true;
    if (info->si_code == CLD_EXITED)
        complain_in_time("the check has failed with exit status %d", info->si_status);
    else
        complain_in_time("the check was killed by signal %d", info->si_status);
    return false;
}

/* Asks once. False if the answer was bad, late, or could not be had. */
static bool ask(const struct checks *checks)
{
    int64_t deadline = now() + checks->period;
    pid_t checker = getpid();
    struct watched check;
    siginfo_t info;
    bool healthy = false, is_late;

    check.pid = fork();
    if (check.pid < 0) {
        complain_in_time("the check cannot be started: %s", strerror(errno));
        return false;
    }
    if (check.pid == 0)
        become_check(checks->command, checker);
    setpgid(check.pid, check.pid); /* it does so itself; whoever comes first */
    check.fd = open_pidfd(check.pid);
    while (!has_ended(check.pid, &info) && !instance_has_ended() && now() < deadline)
        wait_until(deadline, &check);
    is_late = !has_ended(check.pid, &info) && !instance_has_ended();
    if (!is_late && info.si_pid != 0)
        healthy = is_good(&info);
    clear_away(&check);
    if (is_late)
        complain_in_time("the check has not ended within %d ms, and is killed", checks->period);
    return healthy;
}

/* Ends with the instance, or with the supervisor. */
_Noreturn static void check_on(const struct checks *checks)
{
    int64_t due = now();
    bool healthy = true;

    for (;;) {
        if (healthy && sam_hc_send() != CS_OK)
            _exit(0);
        due += checks->period;
        if (due < now())
            due = now();
        while (now() < due && !instance_has_ended())
            wait_until(due, NULL);
        if (instance_has_ended())
            _exit(0);
        healthy = checks->command == NULL || ask(checks);
    }
}

/* What was inherited for the command is not ours to hold open. SAM's descriptors, and the pidfd,
 * are those that are closed on exec. */
static void let_go_of_descriptors(void)
{
    int null = open("/dev/null", O_RDWR);
    struct dirent *entry;
    DIR *folder;

    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (fcntl(STDERR_FILENO, F_GETFD) < 0)
        dup2(null, STDERR_FILENO);
    folder = opendir("/proc/self/fd"); /* above them now */
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        long fd;

        if (parse_number(entry->d_name, STDERR_FILENO + 1, INT_MAX, &fd) &&
            fcntl((int)fd, F_GETFD) == 0)
            close((int)fd);
    }
    if (folder != NULL)
        closedir(folder);
}

/* In a group of its own, and deaf: what is meant for the command must not end its checks. */
_Noreturn static void become_checker(const struct checks *checks)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &mask_of_command);
    signal(SIGCHLD, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_NAME, "sam-check");
    let_go_of_descriptors();
    check_on(checks);
}

bool start_checker(const struct checks *checks)
{
    pid_t between;

    instance.pid = getpid();
    instance.fd = open_pidfd(instance.pid);
    between = fork();
    if (between == 0) {
        pid_t checker = fork();
        if (checker == 0)
            become_checker(checks);
        _exit(checker < 0 ? errno : 0);
    }
    if (between > 0) {
        int status = 0;

        while (waitpid(between, &status, 0) < 0 && errno == EINTR) {
        }
        errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
    }
    if (instance.fd >= 0) {
        int error = errno;
        close(instance.fd);
        errno = error;
    }
    return between > 0 && errno == 0;
}
