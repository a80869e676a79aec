/* SPDX-License-Identifier: BSD-3-Clause
 * From the command line to options and to the variables of sam_environment(7).
 */
#define _GNU_SOURCE
#include "sam-run/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arguments.h"
#include "sam-run/signals.h"

/* What libsam takes. */
enum { MOST_DELAY = 3600000, MOST_RESTARTS = 100, MOST_SECONDS = 604800 };

enum { DEFAULT_INTERVAL = 5000, DEFAULT_GRACE = 5000 }; /* ms */

#define DEFAULT_FORWARD "TERM,INT,QUIT,HUP,USR1,USR2"

static const char usage[] =
    "Usage: sam-run [OPTIONS] -- COMMAND [ARGUMENTS]\n"
    "Runs a command under the supervision of SAM, and starts it again when it fails.\n"
    "\n"
    "  -p, --policy POLICY    what a failure leads to: restart (default) or quit\n"
    "  -q, --quorum           run the command only while the cluster is quorate\n"
    "  -k, --cmap             publish the state in the daemon's cmap\n"
    "  -c, --check CMD        ask this shell command whether all is well: 0 is yes\n"
    "  -i, --interval MS      time between two checks, and longest for one (default: 5000)\n"
    "  -g, --grace MS         time without a good check until the warning, and from a warning to\n"
    "                         the kill (default: twice the interval; 5000 without checks)\n"
    "  -w, --warn-signal SIG  the signal that warns (default: TERM), or none\n"
    "  -d, --restart-delay MS pause before a restart, doubled while it does not help (default: "
    "100)\n"
    "  -r, --restart-limit COUNT/SECONDS\n"
    "                         end as failed after so many restarts in that time\n"
    "  -f, --forward SIGNALS  pass these on to the command, or none (default:\n"
    "                         " DEFAULT_FORWARD
    "); the first three also mean stop\n"
    "  -l, --log WHERE        tell starts, kills and ends on stderr (default), on a descriptor's\n"
    "                         number, or none\n"
    "  -n, --notify           tell systemd when the command has started, and how it is\n"
    "  -h, --help             print this and exit\n"
    "  -V, --version          print the version and exit\n"
    "\n"
    "Exit status: the command's, or 128 and the signal that has ended it, save one that stops it "
    "in\n"
    "order; 125 if sam-run itself fails, 126 if the command cannot be run, 127 if it is not "
    "found.\n";

static const char *const variables[] = {
    "SAM_LOG",  "SAM_RESTART_DELAY", "SAM_RESTART_LIMIT", "SAM_FORWARD",  "SAM_NOTIFY",
    "SAM_EXIT", "SAM_ORPHAN",        "SAM_WARN_SIGNAL",   "SAM_INTERVAL",
};

static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    complain("cannot write: %s", strerror(errno));
    return EXIT_OWN_FAILURE;
}

static int refuse(const char *why)
{
    complain("%s", why);
    return EXIT_OWN_FAILURE;
}

/* wish: the option and what it wants. */
static int refuse_value(const char *wish)
{
    complain("%s, not '%s'", wish, optarg);
    return EXIT_OWN_FAILURE;
}

/* "none": not by this variable, even where the caller's environment has it. */
static int set_variable(const char *name, const char *value)
{
    int result = strcmp(value, "none") == 0 ? unsetenv(name) : setenv(name, value, 1);

    if (result == 0)
        return -1;
    return refuse(strerror(errno));
}

static int take_policy(struct options *options)
{
    unsigned flags =
        options->policy & ~(unsigned)(SAM_RECOVERY_POLICY_QUIT | SAM_RECOVERY_POLICY_RESTART);

    if (strcmp(optarg, "restart") == 0)
        options->policy = (sam_recovery_policy_t)(flags | SAM_RECOVERY_POLICY_RESTART);
    else if (strcmp(optarg, "quit") == 0)
        options->policy = (sam_recovery_policy_t)(flags | SAM_RECOVERY_POLICY_QUIT);
    else
        return refuse_value("--policy wants restart or quit");
    return -1;
}

static void add_flag(struct options *options, sam_recovery_policy_t flag)
{
    options->policy = (sam_recovery_policy_t)((unsigned)options->policy | (unsigned)flag);
}

static int take_time(const char *wish, long *milliseconds)
{
    return parse_number(optarg, 1, INT_MAX / 2, milliseconds) ? -1 : refuse_value(wish);
}

static int take_warn_signal(struct options *options)
{
    options->warn_signal = strcmp(optarg, "none") == 0 ? 0 : parse_signal(optarg, strlen(optarg));
    if (options->warn_signal != 0 || strcmp(optarg, "none") == 0)
        return -1;
    return refuse_value("--warn-signal wants the name of a signal or none");
}

static int take_restart_delay(void)
{
    long ignored;

    if (parse_number(optarg, 0, MOST_DELAY, &ignored))
        return set_variable("SAM_RESTART_DELAY", optarg);
    return refuse_value("--restart-delay wants milliseconds up to 3600000");
}

static int take_restart_limit(void)
{
    const char *slash = strchr(optarg, '/');
    char count[16] = "";
    long ignored;

    if (slash != NULL && (size_t)(slash - optarg) < sizeof(count))
        memcpy(count, optarg, (size_t)(slash - optarg));
    if (parse_number(count, 0, MOST_RESTARTS, &ignored) &&
        parse_number(slash + 1, 1, MOST_SECONDS, &ignored))
        return set_variable("SAM_RESTART_LIMIT", optarg);
    return refuse_value("--restart-limit wants COUNT/SECONDS such as 5/60, up to 100/604800");
}

static int take_forward(void)
{
    if (strcmp(optarg, "none") == 0 || is_forward_list(optarg))
        return set_variable("SAM_FORWARD", optarg);
    return refuse_value("--forward wants names of signals such as TERM,HUP, or none");
}

static int take_log(void)
{
    long fd;

    if (strcmp(optarg, "stderr") == 0 || strcmp(optarg, "none") == 0)
        return set_variable("SAM_LOG", optarg);
    if (parse_number(optarg, 0, INT_MAX, &fd) && fcntl((int)fd, F_GETFD) >= 0)
        return set_variable("SAM_LOG", optarg);
    return refuse_value("--log wants stderr, none or the number of an open descriptor");
}

/* Returns -1 to go on, or the exit status. */
static int take_option(int option, struct options *options, char *const argv[])
{
    switch (option) {
        case 'p':
            return take_policy(options);
        case 'q':
            add_flag(options, SAM_RECOVERY_POLICY_QUORUM);
            return -1;
        case 'k':
            add_flag(options, SAM_RECOVERY_POLICY_CMAP);
            return -1;
        case 'c':
            options->check = optarg;
            return -1;
        case 'i':
            return take_time("--interval wants milliseconds from 1 to 1073741823",
                             &options->interval);
        case 'g':
            return take_time("--grace wants milliseconds from 1 to 1073741823", &options->grace);
        case 'w':
            return take_warn_signal(options);
        case 'd':
            return take_restart_delay();
        case 'r':
            return take_restart_limit();
        case 'f':
            return take_forward();
        case 'l':
            return take_log();
        case 'n':
            return set_variable("SAM_NOTIFY", "1");
        case 'h':
            fputs(usage, stdout);
            return finish(0);
        case 'V':
            puts("sam-run (corosync-clients) " CS_VERSION);
            return finish(0);
        default:
            complain_of_option(option, argv);
            return EXIT_OWN_FAILURE;
    }
}

/* The library lets the variable replace what it is told, so an option takes it away. One that the
 * library does not understand is left to it, which says so. */
static bool take_grace_of_variable(struct options *options)
{
    const char *value = secure_getenv("SAM_INTERVAL");

    if (options->grace != 0) {
        unsetenv("SAM_INTERVAL");
        return false;
    }
    return value != NULL && parse_number(value, 0, INT_MAX, &options->grace);
}

/* Without a limit, which is a grace of 0, there is nothing to compare. */
static int choose_grace(struct options *options, bool is_of_variable)
{
    if (!is_of_variable && options->grace == 0)
        options->grace = options->check != NULL ? 2 * options->interval : DEFAULT_GRACE;
    if (options->check == NULL || options->grace == 0 || options->grace >= 2 * options->interval)
        return -1;
    return refuse(is_of_variable ? "SAM_INTERVAL must be at least twice --interval"
                                 : "--grace must be at least twice --interval");
}

static int complete(struct options *options)
{
    bool needs_time = options->check != NULL || options->policy & SAM_RECOVERY_POLICY_QUORUM;
    bool is_of_variable;

    if (options->interval != 0 && options->check == NULL)
        return refuse("--interval is for --check");
    if (options->grace != 0 && !needs_time)
        return refuse("--grace is for --check and --quorum");
    if (options->interval == 0)
        options->interval = DEFAULT_INTERVAL;
    is_of_variable = take_grace_of_variable(options);
    return needs_time || is_of_variable ? choose_grace(options, is_of_variable) : -1;
}

/* What is ignored now is not for the command, which ignores it as well: nohup(1) does that, and a
 * shell in a script for what runs in the background. */
static void set_forwarded(void)
{
    char list[sizeof(DEFAULT_FORWARD)];
    char *end = list;
    const char *name = DEFAULT_FORWARD;
    size_t length;

    for (; *name != '\0'; name += length + (name[length] == ',')) {
        struct sigaction found;

        length = strcspn(name, ",");
        sigaction(parse_signal(name, length), NULL, &found);
        if (found.sa_handler == SIG_IGN)
            continue;
        if (end != list)
            *end++ = ',';
        end = mempcpy(end, name, length);
    }
    *end = '\0';
    setenv("SAM_FORWARD", list, 0);
}

/* What a command that knows nothing of SAM wants, unless the caller's environment says
 * otherwise. */
static void set_defaults(void)
{
    setenv("SAM_LOG", "stderr", 0);
    setenv("SAM_RESTART_DELAY", "100", 0);
    set_forwarded();
    setenv("SAM_EXIT", "signal", 0);
    setenv("SAM_ORPHAN", "kill", 0);
}

int take_options(int argc, char *argv[], struct options *options)
{
    static const struct option names[] = {{"policy", required_argument, NULL, 'p'},
                                          {"quorum", no_argument, NULL, 'q'},
                                          {"cmap", no_argument, NULL, 'k'},
                                          {"check", required_argument, NULL, 'c'},
                                          {"interval", required_argument, NULL, 'i'},
                                          {"grace", required_argument, NULL, 'g'},
                                          {"warn-signal", required_argument, NULL, 'w'},
                                          {"restart-delay", required_argument, NULL, 'd'},
                                          {"restart-limit", required_argument, NULL, 'r'},
                                          {"forward", required_argument, NULL, 'f'},
                                          {"log", required_argument, NULL, 'l'},
                                          {"notify", no_argument, NULL, 'n'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'V'},
                                          {NULL, 0, NULL, 0}};
    int option, status = -1;

    *options =
        (struct options){.policy = SAM_RECOVERY_POLICY_RESTART, .warn_signal = NO_SIGNAL_GIVEN};
    opterr = 0; /* we say it ourselves, in one line */
    set_defaults();
    /* '+': the command's options are its own. */
    while (status < 0 &&
           (option = getopt_long(argc, argv, "+:p:qkc:i:g:w:d:r:f:l:nhV", names, NULL)) != -1)
        status = take_option(option, options, argv);
    if (status >= 0)
        return status;
    options->command = argv + optind;
    if (optind == argc)
        return refuse("there is no command to run (see --help)");
    return complete(options);
}

void clear_environment(void)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
}
