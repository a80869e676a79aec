/* SPDX-License-Identifier: BSD-3-Clause
 * From answers to verdicts.
 */
#include "quorum-check/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void add_problem(struct verdict *verdict,
                                                              const char *format, ...)
{
    va_list arguments;

    if (verdict->problem_count == MOST_PROBLEMS)
        return;
    va_start(arguments, format);
    vsnprintf(verdict->problems[verdict->problem_count++], PROBLEM_SIZE, format, arguments);
    va_end(arguments);
}

long margin_of(const struct votequorum_info *info)
{
    return (long)info->total_votes - (long)info->quorum;
}

const char *clean_name(const char *name, char text[VOTEQUORUM_QDEVICE_MAX_NAME_LEN])
{
    size_t i;

    for (i = 0; i < VOTEQUORUM_QDEVICE_MAX_NAME_LEN - 1 && name[i] != '\0'; i++) {
        unsigned char c = (unsigned char)name[i];
        text[i] = c < ' ' || c > '~' || strchr("|\"\\'", c) != NULL ? '?' : (char)c;
    }
    text[i] = '\0';
    return text;
}

static void judge_device(const struct votequorum_info *info, struct verdict *verdict)
{
    char name[VOTEQUORUM_QDEVICE_MAX_NAME_LEN];

    if (!(info->flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED))
        return;
    if (!(info->flags & VOTEQUORUM_INFO_QDEVICE_ALIVE))
        add_problem(verdict, "quorum device %s is not alive", clean_name(info->qdevice_name, name));
    else if (!(info->flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE))
        add_problem(verdict, "quorum device %s does not vote",
                    clean_name(info->qdevice_name, name));
}

static void judge_margin(long margin, long least, struct verdict *verdict)
{
    if (margin >= least)
        return;
    if (margin < 0)
        add_problem(verdict, "%ld vote%s fewer than needed", -margin, margin == -1 ? "" : "s");
    else if (margin == 0)
        add_problem(verdict, "no vote can be lost");
    else
        add_problem(verdict, "only %ld vote%s can be lost", margin, margin == 1 ? "" : "s");
}

/* In the words of somebody who has to do something about it. */
static const char *explain(const struct answer *answer)
{
    static const struct {
        cs_error_t error;
        const char *text;
    } known[] = {
        {CS_ERR_ACCESS, "corosync does not let this user in"},
        {CS_ERR_NOT_EXIST,
         "corosync's shared memory is not visible here (another mount namespace?)"},
        {CS_ERR_TRY_AGAIN, "corosync is starting, or too busy to answer"},
        {CS_ERR_LIBRARY, "corosync does not run here, or not with votequorum"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (answer->error == known[i].error)
            return known[i].text;
    }
    return "corosync cannot be asked";
}

static void judge_error(const struct answer *answer, struct verdict *verdict)
{
    const char *name = cs_strerror(answer->error);

    verdict->status = STATUS_UNKNOWN;
    if (answer->error_number != 0)
        add_problem(verdict, "%s (%s: %s)", explain(answer), name, strerror(answer->error_number));
    else
        add_problem(verdict, "%s (%s)", explain(answer), name);
}

void judge(const struct answer *answer, long least_margin, struct verdict *verdict)
{
    const struct votequorum_info *info = &answer->info;

    *verdict = (struct verdict){.status = STATUS_OK};
    if (answer->error != CS_OK) {
        judge_error(answer, verdict);
        return;
    }
    judge_device(info, verdict);
    if (info->flags & VOTEQUORUM_INFO_QUORATE) {
        judge_margin(margin_of(info), least_margin, verdict);
        if (verdict->problem_count > 0)
            verdict->status = STATUS_WARNING;
        return;
    }
    verdict->status = STATUS_CRITICAL;
    if (margin_of(info) >= 0 && info->flags & VOTEQUORUM_INFO_WAIT_FOR_ALL)
        add_problem(verdict, "not all nodes have been seen yet");
}

void judge_silence(long long milliseconds, struct verdict *verdict)
{
    *verdict = (struct verdict){.status = STATUS_UNKNOWN};
    add_problem(verdict, "corosync has not answered within %lld.%03lld s", milliseconds / 1000,
                milliseconds % 1000);
}

void judge_failure(const char *reason, struct verdict *verdict)
{
    *verdict = (struct verdict){.status = STATUS_UNKNOWN};
    add_problem(verdict, "%s", reason);
}
