// SPDX-License-Identifier: BSD-3-Clause
// What the tests of the store have in common.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "sam/shared/store.h"
#include "sam_units/in_child.h"

namespace cs::sam {

using Bytes = std::vector<unsigned char>;

inline Bytes pattern(std::size_t size, unsigned seed) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<unsigned char>((i * 31 + seed * 131 + i / 251) & 0xFF);
  }
  return bytes;
}

inline cs_error_t put(Store& store, const Bytes& bytes) {
  return store.store(bytes.data(), bytes.size());
}

// What is stored; fails the test when that cannot be read.
inline Bytes get(Store& store) {
  const auto size = store.size();
  EXPECT_TRUE(size);
  if (!size) return {};
  Bytes bytes(*size + 1);  // never empty, so that data() is not null
  EXPECT_EQ(store.restore(bytes.data(), *size), CS_OK);
  bytes.resize(*size);
  return bytes;
}

inline void open_and_share(Store& store) {
  store.open();
  ASSERT_EQ(store.share(), CS_OK);
}

class SamStore : public testing::Test {
 protected:
  void SetUp() override { open_and_share(store_); }
  Store store_;
};

// Memory of the two files, as the kernel counts it.
inline std::size_t shared_memory() {
  std::size_t bytes = 0;
  for (int fd = 3; fd < 256; ++fd) {
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    char name[64] = {};
    if (::readlink(link.c_str(), name, sizeof(name) - 1) < 0) continue;
    if (std::string(name).rfind("/memfd:sam", 0) != 0) continue;
    struct stat file;
    if (::fstat(fd, &file) == 0) bytes += static_cast<std::size_t>(file.st_blocks) * 512;
  }
  return bytes;
}

}  // namespace cs::sam
