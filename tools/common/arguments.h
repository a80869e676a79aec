/* SPDX-License-Identifier: BSD-3-Clause
 * What both tools do with their command line: numbers are read strictly, and a mistake is told in
 * one line.
 */
#ifndef CS_TOOLS_ARGUMENTS_H
#define CS_TOOLS_ARGUMENTS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/* Reads a decimal number of seconds such as 10 or 0.5, up to a year, as milliseconds. False if the
 * text is anything else, or less than `least` milliseconds. */
bool parse_seconds(const char *text, int64_t least, int64_t *milliseconds);

/* Reads a decimal number between `least` and `most`. False if the text is anything else. */
bool parse_number(const char *text, long least, long most, long *number);

/* Prints "NAME: message" to stderr, as one line. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);
__attribute__((format(printf, 1, 0))) void complain_with(const char *format, va_list arguments);

/* After getopt_long() has returned '?' or ':' with opterr 0: says what was wrong with the option
 * that it has met, without a second line. */
void complain_of_option(int result, char *const argv[]);

#endif
