# SPDX-License-Identifier: BSD-3-Clause
# libsam's units, in the rooms of src/sam.
function(cs_add_sam_unit_test room unit)
  cs_add_unit_test(sam_${unit}_test SOURCES sam_units/${room}/${unit}_test.cpp ${ARGN}
                   OBJECTS cs_sam cs_ipc cs_common)
endfunction()

cs_add_sam_unit_test(supervisor backoff)
cs_add_sam_unit_test(supervisor child_signal)
cs_add_sam_unit_test(supervisor death_watch)
cs_add_sam_unit_test(supervisor overslept)
cs_add_sam_unit_test(supervisor rules sam_units/supervisor/rules_quorum_test.cpp
                     sam_units/supervisor/rules_late_test.cpp
                     sam_units/supervisor/rules_life_test.cpp
                     sam_units/supervisor/rules_operator_test.cpp)

cs_add_sam_unit_test(active active)
cs_add_sam_unit_test(active health_check_thread)

foreach(unit checksum frames heartbeat memory_file memory_probe policy private_block process_lock
             signal_guard signal_safe_lock slot)
  cs_add_sam_unit_test(shared ${unit})
endforeach()
# A thread that is cancelled passes through the guards, as they are compiled for the library.
set_source_files_properties(sam_units/shared/signal_guard_test.cpp PROPERTIES
                            COMPILE_OPTIONS -fno-exceptions)
cs_add_sam_unit_test(shared store sam_units/shared/store_early_test.cpp
                     sam_units/shared/store_processes_test.cpp)

foreach(unit excuse forwarding log notices settings signal_names)
  cs_add_sam_unit_test(operator ${unit})
endforeach()
cs_add_sam_unit_test(supervisor pacing)
