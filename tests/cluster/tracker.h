// SPDX-License-Identifier: BSD-3-Clause
// Between the two halves of the tracking client: what its process runs on the node.
#pragma once

#include "cluster/tracking_client.h"
#include "support/child.h"

namespace cs::test {

// Writes a Notice to the descriptor `log` for each thing that happens, until `stop` is opened.
// Returns the exit status of the process: 0, if every call answered as it must.
[[nodiscard]] int track(TrackingClient::Style style, Gate& stop, int log);

}  // namespace cs::test
