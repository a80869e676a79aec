/* SPDX-License-Identifier: BSD-3-Clause
 * Command lines: strict numbers, and mistakes told in one line.
 */
#define _GNU_SOURCE
#include "common/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double milliseconds_of_second = 1000;
static const double most_seconds = 366 * 24 * 3600;

/* Digits and at most one point: strtod() would take "inf", "0x1p3" and " 7" as well. */
static bool is_plain_decimal(const char *text)
{
    size_t length = strlen(text);
    const char *point = strchr(text, '.');

    if (length == 0 || length > 20 || strspn(text, "0123456789.") != length)
        return false;
    return point == NULL || (length > 1 && strchr(point + 1, '.') == NULL);
}

bool parse_seconds(const char *text, int64_t least, int64_t *milliseconds)
{
    double seconds;
    int64_t result;

    if (!is_plain_decimal(text))
        return false;
    seconds = strtod(text, NULL);
    if (seconds > most_seconds)
        return false;
    result = (int64_t)(seconds * milliseconds_of_second + 0.5);
    if (result < least)
        return false;
    *milliseconds = result;
    return true;
}

bool parse_number(const char *text, long least, long most, long *number)
{
    char *end;
    long result;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    result = strtol(text, &end, 10);
    if (*end != '\0' || errno != 0 || result < least || result > most)
        return false;
    *number = result;
    return true;
}

void complain(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain_with(format, arguments);
    va_end(arguments);
}

void complain_with(const char *format, va_list arguments)
{
    char text[512];

    vsnprintf(text, sizeof(text), format, arguments);
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
}

void complain_of_option(int result, char *const argv[])
{
    const char *word = optind > 0 ? argv[optind - 1] : "";

    if (result == ':')
        complain("option '%s' wants a value", word);
    else if (optopt != 0 && strncmp(word, "--", 2) == 0)
        complain("option '%s' takes no value", word);
    else if (optopt != 0)
        complain("no such option: '-%c' (see --help)", optopt);
    else
        complain("no such option: '%s' (see --help)", word);
}
