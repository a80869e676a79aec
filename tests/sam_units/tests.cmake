# SPDX-License-Identifier: BSD-3-Clause
# The rooms of libsam, one by one.
foreach(unit checksum child_signal death_watch frames health_check_thread heartbeat memory_probe policy
             process_lock)
  cs_add_unit_test(sam_${unit}_test SOURCES sam_units/${unit}_test.cpp
                   OBJECTS cs_sam cs_ipc cs_common)
endforeach()
cs_add_unit_test(sam_store_test
  SOURCES sam_units/store_test.cpp sam_units/store_early_test.cpp
          sam_units/store_processes_test.cpp
  OBJECTS cs_sam cs_ipc cs_common)
cs_add_unit_test(sam_rules_test SOURCES sam_units/rules_test.cpp sam_units/rules_quorum_test.cpp
                 OBJECTS cs_sam cs_ipc cs_common)
