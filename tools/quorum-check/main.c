/* SPDX-License-Identifier: BSD-3-Clause
 * quorum-check: whether this node is in a quorate partition, for monitoring and for scripts. This
 * process reads the command line, waits for what the other one finds out, judges and prints. It
 * never enters the library, so that it ends in time whatever the daemon does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/arguments.h"
#include "quorum-check/ask.h"
#include "quorum-check/print.h"

static const char usage[] =
    "Usage: quorum-check [OPTIONS]\n"
    "Says whether this node is in a quorate partition of its corosync cluster.\n"
    "\n"
    "  -t, --timeout SECONDS  longest wait for the daemon's answer (default: 10)\n"
    "  -w, --wait SECONDS     wait up to that long until quorate (default: 0)\n"
    "  -m, --margin VOTES     warn when fewer votes than that can be lost (default: 1)\n"
    "  -j, --json             print a JSON object\n"
    "  -o, --openmetrics      print metrics in the OpenMetrics format\n"
    "  -h, --help             print this and exit\n"
    "  -V, --version          print the version and exit\n"
    "\n"
    "Exit status: 0 quorate, 1 quorate with a warning, 2 not quorate, 3 unknown.\n";

enum { FAREWELL_MS = 250 };

struct options {
    int64_t timeout; /* milliseconds, as all times here */
    int64_t wait;
    long least_margin;
    void (*print)(FILE *, const struct report *);
};

static int64_t now(void)
{
    return (int64_t)(cs_timestamp_get() / CS_TIME_NS_IN_MSEC);
}

/* What it prints must arrive: a script that reads nothing must not take it for good news. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    complain("cannot write: %s", strerror(errno));
    return STATUS_UNKNOWN;
}

/* Returns -1 to go on, or the exit status. */
static int take_option(int option, struct options *options, char *const argv[])
{
    switch (option) {
        case 't':
            if (parse_seconds(optarg, 1, &options->timeout))
                return -1;
            complain("--timeout wants a number of seconds above 0, not '%s'", optarg);
            return STATUS_UNKNOWN;
        case 'w':
            if (parse_seconds(optarg, 0, &options->wait))
                return -1;
            complain("--wait wants a number of seconds, not '%s'", optarg);
            return STATUS_UNKNOWN;
        case 'm':
            if (parse_number(optarg, 0, INT_MAX, &options->least_margin))
                return -1;
            complain("--margin wants a number of votes, not '%s'", optarg);
            return STATUS_UNKNOWN;
        case 'j':
            options->print = print_json;
            return -1;
        case 'o':
            options->print = print_openmetrics;
            return -1;
        case 'h':
            fputs(usage, stdout);
            return finish(STATUS_OK);
        case 'V':
            puts("quorum-check (corosync-clients) " CS_VERSION);
            return finish(STATUS_OK);
        default:
            complain_of_option(option, argv);
            return STATUS_UNKNOWN;
    }
}

static int take_options(int argc, char *argv[], struct options *options)
{
    static const struct option names[] = {
        {"timeout", required_argument, NULL, 't'}, {"wait", required_argument, NULL, 'w'},
        {"margin", required_argument, NULL, 'm'},  {"json", no_argument, NULL, 'j'},
        {"openmetrics", no_argument, NULL, 'o'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},       {NULL, 0, NULL, 0}};
    int option, status = -1;

    while (status < 0 && (option = getopt_long(argc, argv, ":t:w:m:johV", names, NULL)) != -1)
        status = take_option(option, options, argv);
    if (status < 0 && optind < argc) {
        complain("there is nothing to do with '%s' (see --help)", argv[optind]);
        status = STATUS_UNKNOWN;
    }
    return status;
}

/* Whether this answer ends the wait. A daemon that is only starting or busy is asked again. */
static bool is_final(const struct answer *answer, bool may_wait)
{
    if (answer->error != CS_OK)
        return !may_wait && answer->error != CS_ERR_TRY_AGAIN;
    return !may_wait || answer->info.flags & VOTEQUORUM_INFO_QUORATE;
}

enum outcome { ANSWERED, SILENT, BROKEN };

static enum outcome wait_for_answer(int line, int64_t wait_end, int64_t deadline,
                                    struct answer *answer)
{
    struct pollfd event = {.fd = line, .events = POLLIN};

    for (;;) {
        int64_t left = deadline - now();
        ssize_t size;

        if (left <= 0)
            return SILENT;
        if (poll(&event, 1, left > INT_MAX ? INT_MAX : (int)left) <= 0)
            continue; /* the time tells, or a signal has come between */
        size = recv(line, answer, sizeof(*answer), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (size != (ssize_t)sizeof(*answer))
            return BROKEN;
        if (is_final(answer, now() < wait_end))
            return ANSWERED;
    }
}

static void take_outcome(enum outcome outcome, const struct answer *answer,
                         const struct options *options, struct report *report)
{
    switch (outcome) {
        case ANSWERED:
            judge(answer, options->least_margin, &report->verdict);
            report->answer = answer->error == CS_OK ? answer : NULL;
            break;
        case SILENT:
            judge_silence(options->timeout, &report->verdict);
            break;
        case BROKEN:
            judge_failure("the process that asks corosync has ended", &report->verdict);
            break;
    }
}

/* How long the other process has to leave in order. It is killed after that. */
static int farewell_before(int64_t deadline)
{
    int64_t left = deadline - now();

    if (left < 0)
        return 0;
    return left < FAREWELL_MS ? (int)left : FAREWELL_MS;
}

/* Returns the exit status. Nobody waits for what comes after the output. */
static int check(const struct options *options, int64_t start)
{
    static struct answer answer;
    struct report report = {.least_margin = options->least_margin,
                            .limit = options->wait + options->timeout};
    enum outcome outcome = BROKEN;
    int line = start_asking();
    int status;

    if (line < 0) {
        judge_failure("no process can be started to ask corosync", &report.verdict);
    } else {
        outcome = wait_for_answer(line, start + options->wait, start + report.limit, &answer);
        report.milliseconds = now() - start;
        take_outcome(outcome, &answer, options, &report);
    }
    options->print(stdout, &report);
    status = finish((int)report.verdict.status);
    if (line >= 0)
        stop_asking(line, outcome == ANSWERED ? farewell_before(start + report.limit) : 0);
    return status;
}

int main(int argc, char *argv[])
{
    int64_t start = now();
    struct options options = {.timeout = 10000, .least_margin = 1, .print = print_line};
    int status;

    opterr = 0; /* we say it ourselves, in one line */
    status = take_options(argc, argv, &options);
    return status >= 0 ? status : check(&options, start);
}
