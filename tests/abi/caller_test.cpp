// SPDX-License-Identifier: BSD-3-Clause
// A program that was compiled with the header of upstream's development head, and one with ours: of
// their memory is written what upstream's library writes, and not a byte elsewhere.
#include "abi/caller.h"

#include <corosync/votequorum.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

#include "abi/head_daemon.h"

namespace cs::test {
namespace {

using testing::ElementsAre;

constexpr char kPattern = 0x5a;

// Bytes that differ from their neighbours and from one size to the next.
std::string bytes_for(std::uint32_t size) {
  std::string bytes(size, '\0');
  for (std::uint32_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + size);
  return bytes;
}

bool is_pattern(const char* begin, const char* end) {
  return std::all_of(begin, end, [](char byte) { return byte == kPattern; });
}

// The caller's answer, with a guard behind it as well.
class Answer {
 public:
  explicit Answer(std::uint32_t size_on_entry = 0) {
    std::memset(&memory_, kPattern, sizeof(memory_));
    memory_.answer.size = size_on_entry;
  }

  caller_answer* get() { return &memory_.answer; }
  [[nodiscard]] std::uint32_t size() const { return memory_.answer.size; }

  // Nothing but the size and so many bytes was written.
  [[nodiscard]] bool is(const std::string& info) const {
    return size() == info.size() &&
           std::memcmp(memory_.answer.info, info.data(), info.size()) == 0 &&
           is_untouched_from(info.size());
  }
  [[nodiscard]] bool is_untouched_from(std::size_t offset) const {
    const caller_answer& answer = memory_.answer;
    return is_pattern(std::begin(answer.guard), std::end(answer.guard)) &&
           is_pattern(answer.info + offset, std::end(answer.info)) &&
           is_pattern(std::begin(memory_.behind), std::end(memory_.behind));
  }

 private:
  struct {
    caller_answer answer;
    char behind[64];
  } memory_;
};

std::vector<std::string> told;  // what the callback below was told

void on_event(std::uint64_t, std::uint64_t context, std::uint32_t node, std::uint32_t size,
              void* info) {
  told.push_back(std::to_string(context) + " node " + std::to_string(node) + ": " +
                 std::string(static_cast<const char*>(info), size));
}

class Caller : public testing::TestWithParam<const caller*> {
 protected:
  void SetUp() override {
    if (!in_private_network()) skip_or_fail("not in private namespaces");
    told.clear();
  }
  void TearDown() override {
    if (handle_ == 0) return;
    EXPECT_EQ(votequorum_finalize(handle_), CS_OK);
  }

  void serve(Script script) {
    stand_in_.emplace(std::move(script));
    ASSERT_EQ(caller_.open(&handle_, on_event), CS_OK);
  }

  // Asked about a node, the stand-in gives the answer whose index is the node id.
  void answer_with(std::vector<Message> answers) {
    serve([answers = std::move(answers)](Peer& peer, const Request& request) {
      peer.reply(answers.at(request.u32(16)));
    });
  }

  void expect_nothing_written(unsigned node, cs_error_t expected) {
    for (const std::uint32_t size_on_entry : {0U, 77U, 4096U, 0xffffffffU}) {
      SCOPED_TRACE(testing::Message() << "answer " << node << ", size " << size_on_entry);
      Answer answer(size_on_entry);
      EXPECT_EQ(caller_.get(handle_, node, answer.get()), expected);
      EXPECT_EQ(answer.size(), size_on_entry);
      EXPECT_TRUE(answer.is_untouched_from(0));
    }
  }

  const caller& caller_ = *GetParam();
  std::optional<StandIn> stand_in_;
  votequorum_handle_t handle_ = 0;
};

TEST_P(Caller, GetsEverySizeAndNothingElse) {
  serve(HeadDaemon());
  ASSERT_EQ(votequorum_qdevice_register(handle_, "name"), CS_OK);
  for (std::uint32_t size = 0; size <= caller_.most; ++size) {
    const std::string info = bytes_for(size);
    ASSERT_EQ(caller_.set(handle_, size, info.data()), CS_OK) << size;
    Answer answer;
    ASSERT_EQ(caller_.get(handle_, 1, answer.get()), CS_OK) << size;
    ASSERT_TRUE(answer.is(info)) << size << ", got " << answer.size();
  }
}

TEST_P(Caller, SizeOnEntryMeansNothing) {
  answer_with({extra_info_reply(bytes_for(4096)), extra_info_reply("")});
  for (const std::uint32_t size_on_entry : {0U, 1U, 4096U, 0xffffffffU}) {
    Answer longest(size_on_entry);
    EXPECT_EQ(caller_.get(handle_, 0, longest.get()), CS_OK);
    EXPECT_TRUE(longest.is(bytes_for(4096))) << size_on_entry;
    Answer none(size_on_entry);
    EXPECT_EQ(caller_.get(handle_, 1, none.get()), CS_OK);
    EXPECT_TRUE(none.is("")) << size_on_entry;
  }
}

TEST_P(Caller, LyingLengthsWriteNothing) {
  std::vector<Message> answers;
  for (const std::uint32_t size : {0U, 1U, 4095U, 4096U}) {
    const Message right = extra_info_reply(bytes_for(size));
    for (const std::uint32_t lie : {0U, 1U, 4U, 4095U, 4096U, 4097U, 4100U, 0x80000000U, ~0U}) {
      if (lie != size) answers.push_back(Message(right).put32(24, lie));
    }
    for (const std::size_t length : {24U, 28U, 31U, 36U + 4096U}) {
      answers.push_back(Message(right).resize(length));
    }
  }
  answers.push_back(extra_info_reply(bytes_for(4097)));
  answers.push_back(extra_info_reply(bytes_for(16'000)));
  const auto count = static_cast<unsigned>(answers.size());
  answer_with(std::move(answers));
  for (unsigned i = 0; i < count; ++i) expect_nothing_written(i, CS_ERR_MESSAGE_ERROR);
}

// The short form, the full one whose size is garbage, and one with data that is not to be had.
TEST_P(Caller, ErrorsWriteNothing) {
  constexpr cs_error_t kErrors[] = {CS_ERR_INVALID_PARAM, CS_ERR_ACCESS, CS_ERR_NOT_EXIST,
                                    CS_ERR_TRY_AGAIN};
  std::vector<Message> answers;
  for (const cs_error_t error : kErrors) {
    answers.push_back(status_reply(error));
    answers.push_back(extra_info_reply("").error(error).put32(24, 4000));
    answers.push_back(extra_info_reply(bytes_for(4096)).error(error));
  }
  answer_with(std::move(answers));
  unsigned node = 0;
  for (const cs_error_t error : kErrors) {
    for (int form = 0; form < 3; ++form) expect_nothing_written(node++, error);
  }
}

TEST_P(Caller, NullPointersAreRefusedBeforeTheHandle) {
  Answer answer;
  EXPECT_EQ(caller_.get_raw(0, 1, nullptr, answer.get()->info), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(caller_.get_raw(0, 1, &answer.get()->size, nullptr), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(caller_.get(0, 1, answer.get()), CS_ERR_BAD_HANDLE);
  EXPECT_TRUE(answer.is(""));
  EXPECT_EQ(caller_.set(0, 5000, "x"), CS_ERR_BAD_HANDLE);
  EXPECT_EQ(caller_.open(nullptr, on_event), CS_ERR_INVALID_PARAM);
}

TEST_P(Caller, SetTakesNullBeforeTheSize) {
  serve(HeadDaemon());
  EXPECT_EQ(caller_.set(handle_, 1, "x"), CS_ERR_NOT_EXIST);
  ASSERT_EQ(votequorum_qdevice_register(handle_, "name"), CS_OK);
  for (const std::uint32_t size : {0U, 1U, 4096U, 4097U, 0xffffffffU}) {
    ASSERT_EQ(caller_.set(handle_, 4, "some"), CS_OK);
    ASSERT_EQ(caller_.set(handle_, size, nullptr), CS_OK) << size;
    Answer answer;
    ASSERT_EQ(caller_.get(handle_, 1, answer.get()), CS_OK);
    EXPECT_TRUE(answer.is("")) << size;
  }
  EXPECT_EQ(caller_.set(handle_, 4097, "x"), CS_ERR_INVALID_PARAM);
}

TEST_P(Caller, NodesAreToldApart) {
  serve(HeadDaemon());
  Answer of_device;
  EXPECT_EQ(caller_.get(handle_, 0, of_device.get()), CS_OK);
  EXPECT_TRUE(of_device.is(""));
  Answer of_second;
  EXPECT_EQ(caller_.get(handle_, 2, of_second.get()), CS_OK);
  EXPECT_TRUE(of_second.is("second"));
  expect_nothing_written(9, CS_ERR_NOT_EXIST);
}

TEST_P(Caller, FlagSaysWhetherThereIsSome) {
  serve(HeadDaemon());
  votequorum_info info{};
  ASSERT_EQ(votequorum_getinfo(handle_, 1, &info), CS_OK);
  EXPECT_EQ(info.flags & caller_.has_extra_info, 0U);
  ASSERT_EQ(votequorum_qdevice_register(handle_, "name"), CS_OK);
  ASSERT_EQ(caller_.set(handle_, 1, "x"), CS_OK);
  ASSERT_EQ(votequorum_getinfo(handle_, 1, &info), CS_OK);
  EXPECT_EQ(info.flags & caller_.has_extra_info, caller_.has_extra_info);
}

TEST_P(Caller, CallbackIsToldOfEachChange) {
  serve(HeadDaemon());
  ASSERT_EQ(votequorum_qdevice_register(handle_, "name"), CS_OK);
  ASSERT_EQ(votequorum_trackstart(handle_, 5, CS_TRACK_CHANGES), CS_OK);
  ASSERT_EQ(caller_.set(handle_, 3, "one"), CS_OK);
  ASSERT_EQ(caller_.set(handle_, 4096, bytes_for(4096).data()), CS_OK);
  ASSERT_EQ(votequorum_qdevice_unregister(handle_, "name"), CS_OK);
  while (told.size() < 4) ASSERT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ONE), CS_OK);
  EXPECT_THAT(told, ElementsAre("5 node 2: second", "5 node 1: one", "5 node 1: " + bytes_for(4096),
                                "5 node 1: "));
}

TEST_P(Caller, NoModelIsNoCallbacks) {
  stand_in_.emplace(HeadDaemon());
  ASSERT_EQ(caller_.open(&handle_, nullptr), CS_OK);
  ASSERT_EQ(votequorum_trackstart(handle_, 5, CS_TRACK_CURRENT), CS_OK);
  EXPECT_EQ(votequorum_dispatch(handle_, CS_DISPATCH_ALL), CS_OK);
}

// corosync 3.1.7 knows neither request; it says so in the short form.
class CallerAndOldDaemon : public Caller {
 protected:
  void SetUp() override {
    if (const auto reason = CorosyncDaemon::unavailable()) return skip_or_fail(*reason);
    ASSERT_TRUE(daemon_.emplace().start());
    ASSERT_EQ(caller_.open(&handle_, on_event), CS_OK);
  }

  std::optional<CorosyncDaemon> daemon_;
};

TEST_P(CallerAndOldDaemon, IsRefusedAndNothingIsWritten) {
  for (const unsigned node : {0U, 1U, 2U}) expect_nothing_written(node, CS_ERR_INVALID_PARAM);
  EXPECT_EQ(caller_.set(handle_, 1, "x"), CS_ERR_INVALID_PARAM);
  EXPECT_EQ(caller_.set(handle_, 0, nullptr), CS_ERR_INVALID_PARAM);
  votequorum_info info{};
  EXPECT_EQ(votequorum_getinfo(handle_, 0, &info), CS_OK);
  EXPECT_EQ(info.flags & caller_.has_extra_info, 0U);
}

const auto kCallers = testing::Values(&our_caller, &upstream_caller);
constexpr auto kName = [](const auto& info) { return std::string(info.param->name); };
INSTANTIATE_TEST_SUITE_P(Headers, Caller, kCallers, kName);
INSTANTIATE_TEST_SUITE_P(Headers, CallerAndOldDaemon, kCallers, kName);

}  // namespace
}  // namespace cs::test
