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

enum { LONGEST = 16 };

static int parse_real_time(const char *offset)
{
    long number;

    if (*offset == '\0')
        return SIGRTMIN;
    if (*offset != '+' || !parse_number(offset + 1, 0, SIGRTMAX - SIGRTMIN, &number))
        return 0;
    return SIGRTMIN + (int)number;
}

int parse_signal(const char *text, size_t length)
{
    char word[LONGEST + 1] = "";
    const char *name = word;
    long number;

    if (length == 0 || length > LONGEST)
        return 0;
    memcpy(word, text, length);
    if (parse_number(word, 1, SIGRTMAX, &number))
        return (int)number;
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    if (strncmp(name, "RTMIN", 5) == 0)
        return parse_real_time(name + 5);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i].name) == 0)
            return names[i].number;
    }
    return 0;
}

bool is_signal_list(const char *text)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        int number = parse_signal(text, length);

        if (number == 0 || number == SIGKILL || number == SIGSTOP)
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}
