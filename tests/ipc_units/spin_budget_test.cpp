// SPDX-License-Identifier: BSD-3-Clause
// When to spin for an answer, and for how long: the rule alone, with a clock of the test's own.
#include "ipc/spin_budget.h"

#include <gtest/gtest.h>

namespace cs::ipc {
namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr Nanoseconds kSoon = SpinBudget::kBurstGap / 2;
constexpr Nanoseconds kLater = SpinBudget::kBurstGap + 1;

class Spinning : public testing::Test {
 protected:
  // One request a moment after the last answer, answered late; says how long was spun for it.
  Nanoseconds miss_in_burst() {
    now_ += kSoon;
    const Nanoseconds budget = spin_.next(now_);
    now_ += budget + 1000;
    spin_.record_miss(now_, budget > 0);
    return budget;
  }

  // Until nothing is left that is worth spinning for.
  void exhaust() {
    answer_once();
    for (int i = 0; i < 20 && miss_in_burst() > 0;) ++i;
  }

  void answer_once() { spin_.record_hit(now_); }

  SpinBudget spin_;
  Nanoseconds now_ = kSecond;
};

TEST_F(Spinning, FirstRequestDoesNotSpin) { EXPECT_EQ(spin_.next(now_), 0); }

TEST_F(Spinning, RequestSoonAfterAnAnswerSpinsInFull) {
  answer_once();
  EXPECT_EQ(spin_.next(now_ + kSoon), SpinBudget::kFull);
}

TEST_F(Spinning, SporadicRequestDoesNotSpin) {
  answer_once();
  EXPECT_EQ(spin_.next(now_ + kLater), 0);
  spin_.record_miss(now_ + kLater, false);
  EXPECT_EQ(spin_.next(now_ + 2 * kLater), 0);
}

TEST_F(Spinning, UnspunMissCostsNothing) {
  spin_.record_miss(now_, false);
  EXPECT_EQ(spin_.next(now_ + kSoon), SpinBudget::kFull);
}

TEST_F(Spinning, OneProcessorNeverSpins) {
  spin_.set_processors(1);
  for (unsigned i = 0; i < 2 * SpinBudget::kRetryAfter; ++i) {
    answer_once();
    ASSERT_EQ(spin_.next(now_ + kSoon), 0);
  }
}

TEST_F(Spinning, SecondProcessorLetsItSpinAgain) {
  spin_.set_processors(1);
  answer_once();
  spin_.set_processors(2);
  EXPECT_EQ(spin_.next(now_ + kSoon), SpinBudget::kFull);
}

TEST_F(Spinning, MissesShrinkTheBudgetToNothing) {
  answer_once();
  Nanoseconds last = miss_in_burst();
  EXPECT_EQ(last, SpinBudget::kFull);
  while (last > 0) {
    const Nanoseconds next = miss_in_burst();
    ASSERT_LT(next, last);
    ASSERT_TRUE(next == 0 || next >= SpinBudget::kLeast);
    last = next;
  }
}

TEST_F(Spinning, HitRestoresTheFullBudget) {
  answer_once();
  EXPECT_EQ(miss_in_burst(), SpinBudget::kFull);
  EXPECT_LT(spin_.next(now_ + kSoon), SpinBudget::kFull);
  answer_once();
  EXPECT_EQ(spin_.next(now_ + kSoon), SpinBudget::kFull);
}

TEST_F(Spinning, ExhaustedTriesAgainNowAndThen) {
  exhaust();
  unsigned tries = 0;
  constexpr unsigned kRequests = 10 * SpinBudget::kRetryAfter;
  for (unsigned i = 0; i < kRequests; ++i) tries += miss_in_burst() > 0 ? 1U : 0U;
  EXPECT_GE(tries, 9U);
  EXPECT_LE(tries, 11U);
}

TEST_F(Spinning, SuccessfulTryBringsSpinningBack) {
  exhaust();
  Nanoseconds budget = 0;
  for (unsigned i = 0; i < 2 * SpinBudget::kRetryAfter && budget == 0; ++i) {
    now_ += kSoon;
    budget = spin_.next(now_);
    if (budget == 0) spin_.record_miss(now_, false);
  }
  EXPECT_EQ(budget, SpinBudget::kFull);
  answer_once();
  EXPECT_EQ(spin_.next(now_ + kSoon), SpinBudget::kFull);
}

}  // namespace
}  // namespace cs::ipc
