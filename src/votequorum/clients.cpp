// SPDX-License-Identifier: BSD-3-Clause
// The table of clients.
#include "votequorum/clients.h"

#include <algorithm>
#include <iterator>

#include "votequorum/handle_table.h"

namespace cs::votequorum {
namespace {

constinit HandleTable<Client> table;

// The last user destroys the client with signals held off, so that it is never left half destroyed.
void let_go(ipc::Use handle) noexcept {
  if (!table.let_go(handle)) return;
  ipc::Section::mask();
  table.retire(handle, ipc::self());
}

void keep_own_uses() noexcept {
  table.keep_only([](std::uint64_t handle) {
    const ipc::InFlight& me = ipc::in_flight;
    const auto callbacks = std::count(std::begin(me.callbacks), std::end(me.callbacks), handle);
    return static_cast<std::uint64_t>(callbacks) + (me.use == handle ? 1 : 0);
  });
}

}  // namespace

ClientUse::ClientUse(votequorum_handle_t handle, Way way) noexcept
    : handle_(handle), client_(way == Way::kFind ? table.find(handle) : table.remove(handle)) {
  if (client_ != nullptr) ipc::in_flight.use = handle;
}

// Does nothing if the use has already been given back (see Opening::close()).
ClientUse::~ClientUse() {
  if (client_ == nullptr || ipc::in_flight.use != handle_) return;
  ipc::in_flight.use = 0;
  let_go(handle_);
}

Result<votequorum_handle_t> Clients::open(const Callbacks& callbacks) noexcept {
  ipc::prepare(let_go, keep_own_uses);
  const ipc::Section section(ipc::Section::Place::kEntry);
  ipc::Section::mask();
  auto client = Client::create(callbacks);
  if (!client) return client.status();
  return table.insert(std::move(*client), ipc::self());
}

}  // namespace cs::votequorum
