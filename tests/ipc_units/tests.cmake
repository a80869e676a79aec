# SPDX-License-Identifier: BSD-3-Clause
# What in src/ipc can be tested without a peer.
cs_add_unit_test(ipc_units_test OBJECTS cs_ipc cs_common
  SOURCES ipc_units/in_flight_test.cpp ipc_units/jumps_test.cpp ipc_units/kept_replies_test.cpp
          ipc_units/reply_test.cpp ipc_units/socket_guard_test.cpp ipc_units/spin_budget_test.cpp
          ipc_units/trust_test.cpp)
cs_without_exceptions(ipc_units/in_flight_test.cpp)
