# SPDX-License-Identifier: BSD-3-Clause
# The rooms of libsam, one by one.
foreach(unit child_signal death_watch frames health_check_thread heartbeat policy rules store)
  cs_add_unit_test(sam_${unit}_test SOURCES sam_units/${unit}_test.cpp
                   OBJECTS cs_sam cs_ipc cs_common)
endforeach()
