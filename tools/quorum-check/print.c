/* SPDX-License-Identifier: BSD-3-Clause
 * Verdicts as a line, as JSON and as OpenMetrics. Every text that is printed here is ours, or
 * libc's in the locale "C", or has been through clean_name(): none needs to be escaped.
 */
#include "quorum-check/print.h"

#include <inttypes.h>

static const char *const upper_case[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
static const char *const lower_case[] = {"ok", "warning", "critical", "unknown"};

static const struct {
    unsigned bit;
    const char *name;
} flags[] = {
    {VOTEQUORUM_INFO_TWONODE, "two_node"},
    {VOTEQUORUM_INFO_WAIT_FOR_ALL, "wait_for_all"},
    {VOTEQUORUM_INFO_LAST_MAN_STANDING, "last_man_standing"},
    {VOTEQUORUM_INFO_AUTO_TIE_BREAKER, "auto_tie_breaker"},
    {VOTEQUORUM_INFO_ALLOW_DOWNSCALE, "allow_downscale"},
};

static const char *state_name(uint32_t state)
{
    switch (state) {
        case VOTEQUORUM_NODESTATE_MEMBER:
            return "member";
        case VOTEQUORUM_NODESTATE_DEAD:
            return "dead";
        case VOTEQUORUM_NODESTATE_LEAVING:
            return "leaving";
        default:
            return "unknown";
    }
}

static unsigned count_members(const struct answer *answer)
{
    unsigned members = 0;

    for (uint32_t i = 0; i < answer->node_count; i++)
        members += answer->nodes[i].state == VOTEQUORUM_NODESTATE_MEMBER;
    return members;
}

/* "true" or "false", as JSON wants it. */
static const char *truth(const struct answer *answer, unsigned bit)
{
    return answer->info.flags & bit ? "true" : "false";
}

static int is_set(const struct answer *answer, unsigned bit)
{
    return (answer->info.flags & bit) != 0;
}

static const char *plural(unsigned count)
{
    return count == 1 ? "" : "s";
}

/* Thresholds: under the votes that quorum needs it is critical, under those and the margin a
 * warning. */
static void print_performance(FILE *out, const struct report *report)
{
    const struct votequorum_info *info = &report->answer->info;

    fprintf(out, " | votes=%u;%ld:;%u:;0;%u quorum=%u;;;0; margin=%ld;%ld:;0:;; nodes=%u;;;0;%u",
            info->total_votes, (long)info->quorum + report->least_margin, info->quorum,
            info->highest_expected, info->quorum, margin_of(info), report->least_margin,
            count_members(report->answer), report->answer->node_count);
    if (info->flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED)
        fprintf(out, " device_votes=%u;;;0;%u",
                info->flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE ? info->qdevice_votes : 0,
                info->qdevice_votes);
    fprintf(out, " time=%lld.%03llds;;;0;%lld.%03lld", report->milliseconds / 1000,
            report->milliseconds % 1000, report->limit / 1000, report->limit % 1000);
}

void print_line(FILE *out, const struct report *report)
{
    const struct verdict *verdict = &report->verdict;
    const char *separator = " - ";

    fprintf(out, "QUORUM %s", upper_case[verdict->status]);
    if (report->answer != NULL) {
        const struct votequorum_info *info = &report->answer->info;
        unsigned members = count_members(report->answer);

        fprintf(out, " - %squorate: %u of %u vote%s, %u needed, %u node%s",
                info->flags & VOTEQUORUM_INFO_QUORATE ? "" : "not ", info->total_votes,
                info->highest_expected, plural(info->highest_expected), info->quorum, members,
                plural(members));
        separator = "; ";
    }
    for (unsigned i = 0; i < verdict->problem_count; i++) {
        fprintf(out, "%s%s", separator, verdict->problems[i]);
        separator = "; ";
    }
    if (report->answer != NULL)
        print_performance(out, report);
    fputc('\n', out);
}

static void print_json_votes(FILE *out, const struct answer *answer)
{
    const struct votequorum_info *info = &answer->info;
    const char *separator = "";

    fprintf(out, ",\"quorate\":%s,\"node\":%u", truth(answer, VOTEQUORUM_INFO_QUORATE),
            info->node_id);
    fprintf(out, ",\"votes\":{\"total\":%u,\"expected\":%u,\"quorum\":%u,\"margin\":%ld}",
            info->total_votes, info->highest_expected, info->quorum, margin_of(info));
    fprintf(out, ",\"ring\":{\"node\":%" PRIu32 ",\"sequence\":%" PRIu64 "}", answer->ring.nodeid,
            answer->ring.seq);
    fputs(",\"flags\":[", out);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (!(info->flags & flags[i].bit))
            continue;
        fprintf(out, "%s\"%s\"", separator, flags[i].name);
        separator = ",";
    }
    fputc(']', out);
}

static void print_json_nodes(FILE *out, const struct answer *answer)
{
    fputs(",\"nodes\":[", out);
    for (uint32_t i = 0; i < answer->node_count; i++) {
        const struct node *node = &answer->nodes[i];

        fprintf(out, "%s{\"id\":%" PRIu32 ",\"state\":\"%s\"", i > 0 ? "," : "", node->id,
                state_name(node->state));
        if (node->has_votes)
            fprintf(out, ",\"votes\":%" PRIu32, node->votes);
        fputc('}', out);
    }
    fputc(']', out);
}

static void print_json_device(FILE *out, const struct answer *answer)
{
    char name[VOTEQUORUM_QDEVICE_MAX_NAME_LEN];

    if (!(answer->info.flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED)) {
        fputs(",\"device\":null", out);
        return;
    }
    fprintf(out, ",\"device\":{\"name\":\"%s\",\"votes\":%u,\"alive\":%s,\"casts_vote\":%s",
            clean_name(answer->info.qdevice_name, name), answer->info.qdevice_votes,
            truth(answer, VOTEQUORUM_INFO_QDEVICE_ALIVE),
            truth(answer, VOTEQUORUM_INFO_QDEVICE_CAST_VOTE));
    fprintf(out, ",\"master_wins\":%s}", truth(answer, VOTEQUORUM_INFO_QDEVICE_MASTER_WINS));
}

void print_json(FILE *out, const struct report *report)
{
    const struct verdict *verdict = &report->verdict;

    fprintf(out, "{\"status\":\"%s\",\"exit_status\":%d,\"problems\":[",
            lower_case[verdict->status], (int)verdict->status);
    for (unsigned i = 0; i < verdict->problem_count; i++)
        fprintf(out, "%s\"%s\"", i > 0 ? "," : "", verdict->problems[i]);
    fputc(']', out);
    if (report->answer != NULL) {
        print_json_votes(out, report->answer);
        print_json_nodes(out, report->answer);
        print_json_device(out, report->answer);
    }
    fprintf(out, ",\"seconds\":%lld.%03lld}\n", report->milliseconds / 1000,
            report->milliseconds % 1000);
}

static void print_gauge(FILE *out, const char *name, const char *help, long value)
{
    fprintf(out, "# TYPE corosync_%s gauge\n# HELP corosync_%s %s\ncorosync_%s %ld\n", name, name,
            help, name, value);
}

static void print_node_gauges(FILE *out, const struct answer *answer)
{
    fputs(
        "# TYPE corosync_node_member gauge\n"
        "# HELP corosync_node_member Whether a node that was seen is a member.\n",
        out);
    for (uint32_t i = 0; i < answer->node_count; i++)
        fprintf(out, "corosync_node_member{node=\"%" PRIu32 "\"} %d\n", answer->nodes[i].id,
                answer->nodes[i].state == VOTEQUORUM_NODESTATE_MEMBER);
    fputs(
        "# TYPE corosync_node_votes gauge\n"
        "# HELP corosync_node_votes Votes of a node that was seen.\n",
        out);
    for (uint32_t i = 0; i < answer->node_count; i++) {
        if (answer->nodes[i].has_votes)
            fprintf(out, "corosync_node_votes{node=\"%" PRIu32 "\"} %" PRIu32 "\n",
                    answer->nodes[i].id, answer->nodes[i].votes);
    }
}

static void print_device_gauges(FILE *out, const struct answer *answer)
{
    print_gauge(out, "device_registered", "Whether this node has a quorum device.",
                is_set(answer, VOTEQUORUM_INFO_QDEVICE_REGISTERED));
    if (!is_set(answer, VOTEQUORUM_INFO_QDEVICE_REGISTERED))
        return;
    print_gauge(out, "device_alive", "Whether the quorum device polls in time.",
                is_set(answer, VOTEQUORUM_INFO_QDEVICE_ALIVE));
    print_gauge(out, "device_casts_vote", "Whether the quorum device votes for this node.",
                is_set(answer, VOTEQUORUM_INFO_QDEVICE_CAST_VOTE));
    print_gauge(out, "device_votes", "Votes of the quorum device.",
                (long)answer->info.qdevice_votes);
}

void print_openmetrics(FILE *out, const struct report *report)
{
    const struct answer *answer = report->answer;

    print_gauge(out, "quorum_check_status", "Exit status of quorum-check: 0 to 3.",
                (long)report->verdict.status);
    print_gauge(out, "up", "Whether the daemon has answered.", answer != NULL);
    if (answer != NULL) {
        print_gauge(out, "quorate", "Whether this partition is quorate.",
                    is_set(answer, VOTEQUORUM_INFO_QUORATE));
        print_gauge(out, "votes", "Votes now present.", (long)answer->info.total_votes);
        print_gauge(out, "votes_expected", "Votes that the cluster should have.",
                    (long)answer->info.highest_expected);
        print_gauge(out, "votes_needed", "Votes needed to be quorate.", (long)answer->info.quorum);
        print_node_gauges(out, answer);
        print_device_gauges(out, answer);
    }
    fputs("# EOF\n", out);
}
