/* SPDX-License-Identifier: BSD-3-Clause
 * Names of signals: those of the shell's kill, in upper case, with or without SIG.
 */
#define _GNU_SOURCE
#include "sam-run/signals.h"

#include <signal.h>
#include <string.h>

#include "common/arguments.h"

static const struct {
    const char *name;
    int number;
} names[] = {
    {"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT},   {"ILL", SIGILL},
    {"TRAP", SIGTRAP},     {"ABRT", SIGABRT}, {"BUS", SIGBUS},     {"FPE", SIGFPE},
    {"KILL", SIGKILL},     {"USR1", SIGUSR1}, {"SEGV", SIGSEGV},   {"USR2", SIGUSR2},
    {"PIPE", SIGPIPE},     {"ALRM", SIGALRM}, {"TERM", SIGTERM},   {"CHLD", SIGCHLD},
    {"CONT", SIGCONT},     {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU},     {"URG", SIGURG},   {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ},
    {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO},
    {"PWR", SIGPWR},       {"SYS", SIGSYS},
};

enum { LONGEST = 16, FIRST_REAL_TIME = 32 };

/* RTMIN, RTMIN+3, RTMAX-3 and so on; 0 for anything else. */
static int parse_real_time(const char *name)
{
    bool counts_up = strncmp(name, "RTMIN", 5) == 0;
    long offset = 0;

    if (!counts_up && strncmp(name, "RTMAX", 5) != 0)
        return 0;
    name += 5;
    if (*name != '\0' && (*name != (counts_up ? '+' : '-') ||
                          !parse_number(name + 1, 0, SIGRTMAX - SIGRTMIN, &offset)))
        return 0;
    return counts_up ? SIGRTMIN + (int)offset : SIGRTMAX - (int)offset;
}

int parse_signal(const char *text, size_t length)
{
    char word[LONGEST + 1] = "";
    const char *name = word;
    long number;

    if (length == 0 || length > LONGEST)
        return 0;
    memcpy(word, text, length);
    if (parse_number(word, 1, SIGRTMAX, &number)) /* those between are libc's own */
        return number < FIRST_REAL_TIME || number >= SIGRTMIN ? (int)number : 0;
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i].name) == 0)
            return names[i].number;
    }
    return parse_real_time(name);
}

/* As libsam has it: not those that cannot be caught, that say that the process itself has gone
 * wrong, or that are about its own children. */
static bool may_be_forwarded(int number)
{
    static const int others[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGABRT, SIGBUS, SIGFPE,
                                 SIGILL,  SIGPIPE, SIGSEGV, SIGSYS,  SIGTRAP};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (number == others[i])
            return false;
    }
    return number > 0;
}

bool is_forward_list(const char *text)
{
    for (;;) {
        size_t length = strcspn(text, ",");

        if (!may_be_forwarded(parse_signal(text, length)))
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}
