// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: what libsam makes of stored data that somebody has written over. An input: how each
// slot is made (1 byte), the room of the caller (1), then the bytes of the two slots, half each.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "message.h"
#include "sam/shared/checksum.h"
#include "sam/shared/store.h"

namespace {

using cs::fuzz::require;
using cs::sam::Checksum;

constexpr std::byte kUntouched{0xa5};
constexpr std::size_t kDataOffset = 64;

// As it lies in the file.
struct Header {
  std::uint64_t magic;
  std::uint64_t sequence;
  std::uint64_t length;
  std::uint64_t data_checksum;
  std::uint64_t header_checksum;
};

std::uint64_t sum_of(std::span<const std::byte> bytes) {
  Checksum sum;
  sum.add(bytes);
  return sum.value();
}

// The files of the only store, learnt from what it writes.
std::array<int, 2> g_files = {-1, -1};

ssize_t write_and_learn(int fd, const void* data, std::size_t size, off_t offset) {
  if (g_files[0] == -1 || g_files[0] == fd) {
    g_files[0] = fd;
  } else {
    g_files[1] = fd;
  }
  return ::pwrite(fd, data, size, offset);
}

cs::sam::Store& store() {
  static cs::sam::Store store(write_and_learn);
  if (g_files[1] == -1) {
    store.open();
    require(store.share() == CS_OK);
    require(store.store("a", 1) == CS_OK && store.store("b", 1) == CS_OK);
    require(g_files[1] != -1);
  }
  return store;
}

enum Repair : unsigned { kMagic = 1, kLength = 2, kDataChecksum = 4, kHeaderChecksum = 8 };

// Random bytes are never a header; the input says which of its lies are to be made true.
void repair(std::vector<std::byte>& slot, unsigned repairs) {
  if (slot.size() < sizeof(Header)) return;
  Header header;
  std::memcpy(&header, slot.data(), sizeof(header));
  const auto data = std::span(slot).subspan(std::min(slot.size(), kDataOffset));
  if (repairs & kMagic) header.magic = 0x31544F4C534D4153;
  if (repairs & kLength) header.length = data.size();
  if (repairs & kDataChecksum) header.data_checksum = sum_of(data);
  header.sequence >>= 1;  // the last number has no next; it would take centuries to get there
  if (repairs & kHeaderChecksum) {
    header.header_checksum =
        sum_of(std::as_bytes(std::span(&header, 1)).first(offsetof(Header, header_checksum)));
  }
  std::memcpy(slot.data(), &header, sizeof(header));
}

void overwrite(int fd, std::span<const std::byte> bytes, unsigned repairs) {
  std::vector<std::byte> slot(bytes.begin(), bytes.end());
  repair(slot, repairs);
  require(::ftruncate(fd, 0) == 0);
  require(::pwrite(fd, slot.data(), slot.size(), 0) == static_cast<ssize_t>(slot.size()));
}

// Whatever is found, no byte beyond the room is touched, and none at all unless it is CS_OK.
void restore(std::size_t room) {
  std::vector<std::byte> into(room + 16, kUntouched);
  const cs_error_t status = store().restore(into.data(), room);
  require(status == CS_OK || status == CS_ERR_LIBRARY || status == CS_ERR_INVALID_PARAM);
  for (std::size_t i = status == CS_OK ? room : 0; i < into.size(); ++i) {
    require(into[i] == kUntouched);
  }
  const auto size = store().size();
  require(size || size.status() == CS_ERR_LIBRARY);
  if (status == CS_OK) require(size && *size <= room);
  if (status == CS_ERR_INVALID_PARAM) require(size && *size > room);
}

// However damaged it was, the next store counts.
void store_again(std::span<const std::byte> data) {
  require(store().store(data.data(), data.size()) == CS_OK);
  std::vector<std::byte> back(data.size());
  require(store().restore(back.data(), back.size()) == CS_OK);
  require(back == std::vector<std::byte>(data.begin(), data.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  store();
  const auto bytes = cs::fuzz::input(data + 2, size - 2);
  const auto first = bytes.first(bytes.size() / 2);
  overwrite(g_files[0], first, data[0] & 15U);
  overwrite(g_files[1], bytes.subspan(first.size()), data[0] >> 4U);
  restore(data[1]);
  store_again(bytes);
  return 0;
}
