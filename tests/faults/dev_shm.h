// SPDX-License-Identifier: BSD-3-Clause
// The file system in which the daemon makes the files of a connection: full, and with room again.
#pragma once

#include <gtest/gtest.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace cs::faults {

// Has its first size again at the end.
class DevShm {
 public:
  DevShm() { EXPECT_EQ(::statvfs(kPath, &before_), 0); }
  DevShm(const DevShm&) = delete;
  DevShm& operator=(const DevShm&) = delete;
  ~DevShm() { EXPECT_TRUE(make_room()) << strerror(errno); }

  [[nodiscard]] bool leave_no_room() const {
    struct statvfs now;
    return ::statvfs(kPath, &now) == 0 && resize((now.f_blocks - now.f_bfree + 1) * now.f_frsize);
  }
  [[nodiscard]] bool make_room() const { return resize(before_.f_blocks * before_.f_frsize); }

 private:
  static constexpr const char* kPath = "/dev/shm";

  static bool resize(std::uint64_t bytes) {
    const std::string size = "size=" + std::to_string(bytes);
    const auto flags = MS_REMOUNT | MS_NOSUID | MS_NODEV;
    return ::mount(nullptr, kPath, nullptr, flags, size.c_str()) == 0;
  }

  struct statvfs before_;
};

}  // namespace cs::faults
