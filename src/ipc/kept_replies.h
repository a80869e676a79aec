// SPDX-License-Identifier: BSD-3-Clause
// Answers that one thread has received for another.
#ifndef CS_IPC_KEPT_REPLIES_H
#define CS_IPC_KEPT_REPLIES_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace cs::ipc {

// Not thread safe: belongs to one connection and is guarded with it.
class KeptReplies {
 public:
  KeptReplies() noexcept = default;
  KeptReplies(const KeptReplies&) = delete;
  KeptReplies& operator=(const KeptReplies&) = delete;
  ~KeptReplies() {
    while (first_ != nullptr) drop(&first_);
  }

  // If there is no memory the answer is lost: take() finds nothing.
  void keep(std::uint64_t ticket, std::span<const std::byte> reply) noexcept {
    auto* const entry = static_cast<Entry*>(std::malloc(sizeof(Entry) + reply.size()));
    if (entry == nullptr) return;
    *entry = {.next = first_, .ticket = ticket, .size = reply.size()};
    std::memcpy(entry + 1, reply.data(), reply.size());
    first_ = entry;
  }

  // Copies an answer into a buffer with room for any message, and forgets it. 0: there is none.
  [[nodiscard]] std::size_t take(std::uint64_t ticket, std::byte* into) noexcept {
    Entry** const place = find(ticket);
    if (*place == nullptr) return 0;
    const std::size_t size = (*place)->size;
    std::memcpy(into, *place + 1, size);
    drop(place);
    return size;
  }

  void forget(std::uint64_t ticket) noexcept {
    Entry** const place = find(ticket);
    if (*place != nullptr) drop(place);
  }

 private:
  struct Entry {  // the bytes follow
    Entry* next;
    std::uint64_t ticket;
    std::size_t size;
  };

  Entry** find(std::uint64_t ticket) noexcept {
    Entry** place = &first_;
    while (*place != nullptr && (*place)->ticket != ticket) place = &(*place)->next;
    return place;
  }

  static void drop(Entry** place) noexcept {
    Entry* const entry = *place;
    *place = entry->next;
    std::free(entry);
  }

  Entry* first_ = nullptr;
};

}  // namespace cs::ipc

#endif
