# SPDX-License-Identifier: BSD-3-Clause
# What in src/ipc can be tested without a peer.
cs_add_unit_test(ipc_units_test SOURCES ipc_units/spin_budget_test.cpp)
