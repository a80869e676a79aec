# SPDX-License-Identifier: BSD-3-Clause
# libsam's units, in the rooms of src/sam.
function(cs_add_sam_unit_test room unit)
  cs_add_unit_test(sam_${unit}_test SOURCES sam_units/${room}/${unit}_test.cpp ${ARGN}
                   OBJECTS cs_sam cs_ipc cs_common)
endfunction()

cs_add_sam_unit_test(supervisor child_signal)
cs_add_sam_unit_test(supervisor death_watch)
cs_add_sam_unit_test(supervisor overslept)
cs_add_sam_unit_test(supervisor rules sam_units/supervisor/rules_quorum_test.cpp
                     sam_units/supervisor/rules_late_test.cpp)

cs_add_sam_unit_test(active health_check_thread)

foreach(unit checksum frames heartbeat memory_probe policy process_lock)
  cs_add_sam_unit_test(shared ${unit})
endforeach()
cs_add_sam_unit_test(shared store sam_units/shared/store_early_test.cpp
                     sam_units/shared/store_processes_test.cpp)
