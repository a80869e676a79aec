// SPDX-License-Identifier: BSD-3-Clause
// Names of signals, both ways.
#include "sam/operator/signal_names.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>

namespace cs::sam {
namespace {

std::string name_of(int number) {
  char text[kSignalNameRoom];
  write_signal_name(number, text, sizeof(text));
  return text;
}

TEST(SamSignalNames, AreReadWithAndWithoutPrefix) {
  EXPECT_EQ(parse_signal("TERM"), SIGTERM);
  EXPECT_EQ(parse_signal("SIGTERM"), SIGTERM);
  EXPECT_EQ(parse_signal("VTALRM"), SIGVTALRM);  // as long as any
  EXPECT_EQ(parse_signal("SIGHUP"), SIGHUP);
}

TEST(SamSignalNames, AreReadAsNumbers) {
  EXPECT_EQ(parse_signal("15"), 15);
  EXPECT_EQ(parse_signal(std::to_string(SIGRTMAX)), SIGRTMAX);
  EXPECT_FALSE(parse_signal("0"));
  for (int number = 32; number < SIGRTMIN; ++number) {  // libc's own
    EXPECT_FALSE(parse_signal(std::to_string(number))) << number;
  }
  EXPECT_FALSE(parse_signal(std::to_string(SIGRTMAX + 1)));
  EXPECT_FALSE(parse_signal("-1"));
  EXPECT_FALSE(parse_signal("99999999999999999999"));
}

TEST(SamSignalNames, OfRealTimeCountFromEitherEnd) {
  EXPECT_EQ(parse_signal("RTMIN"), SIGRTMIN);
  EXPECT_EQ(parse_signal("SIGRTMIN+3"), SIGRTMIN + 3);
  EXPECT_EQ(parse_signal("RTMAX-2"), SIGRTMAX - 2);
  EXPECT_EQ(parse_signal("RTMAX"), SIGRTMAX);
  for (const char* text : {"RTMIN-1", "RTMAX+1", "RTMIN+", "RTMIN+99", "RTMIN3", "RT"}) {
    EXPECT_FALSE(parse_signal(text)) << text;
  }
  const std::string range = std::to_string(SIGRTMAX - SIGRTMIN);
  EXPECT_EQ(parse_signal("RTMIN+" + range), SIGRTMAX);
  EXPECT_EQ(parse_signal("RTMAX-" + range), SIGRTMIN);
  const std::string beyond = std::to_string(SIGRTMAX - SIGRTMIN + 1);
  EXPECT_FALSE(parse_signal("RTMIN+" + beyond));
  EXPECT_FALSE(parse_signal("RTMAX-" + beyond));
}

TEST(SamSignalNames, OfNothingAreRefused) {
  for (const char* text : {"", "SIG", "SIGSIGTERM", "term", "TERMINATE", "TER", " TERM", "1 "}) {
    EXPECT_FALSE(parse_signal(text)) << text;
  }
}

TEST(SamSignalNames, AreWrittenAsTheyAreRead) {
  for (int number = 1; number <= SIGRTMAX; ++number) {
    if (number >= 32 && number < SIGRTMIN) continue;  // libc's own
    const std::string name = name_of(number);
    EXPECT_EQ(parse_signal(name), number) << name;
    EXPECT_TRUE(name.starts_with("SIG")) << name;
  }
  EXPECT_EQ(name_of(SIGRTMIN + 3), "SIGRTMIN+3");
  EXPECT_EQ(name_of(200), "signal 200");
}

TEST(SamNumbers, AreDigitsWithinTheirRange) {
  EXPECT_EQ(parse_number("0", 5), 0U);
  EXPECT_EQ(parse_number("5", 5), 5U);
  EXPECT_EQ(parse_number("4294967295", 4294967295U), 4294967295U);
  for (const char* text : {"9223372036854775808", "9223372036854775809"}) {
    EXPECT_FALSE(parse_number(text, INT64_MAX / 10)) << text;
  }
  for (const char* text : {"", "6", "+1", "1.0", "0x1", "18446744073709551617"}) {
    EXPECT_FALSE(parse_number(text, 5)) << text;
  }
}

}  // namespace
}  // namespace cs::sam
