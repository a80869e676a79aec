# SPDX-License-Identifier: BSD-3-Clause
# What in src/votequorum can be tested without a peer.
cs_add_unit_test(votequorum_units_test OBJECTS cs_votequorum cs_ipc cs_common
  SOURCES votequorum_units/device_name_test.cpp votequorum_units/events_test.cpp
          votequorum_units/handle_table_test.cpp votequorum_units/wire_test.cpp)
