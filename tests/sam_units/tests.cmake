# SPDX-License-Identifier: BSD-3-Clause
# libsam's units, in the rooms of src/sam.
function(cs_add_sam_unit_test room unit)
  cs_add_unit_test(sam_${unit}_test SOURCES sam_units/${room}/${unit}_test.cpp ${ARGN}
                   OBJECTS cs_sam cs_ipc cs_common)
endfunction()

cs_add_sam_unit_test(supervisor backoff)
cs_add_sam_unit_test(supervisor child_signal)
cs_add_sam_unit_test(supervisor death_watch)
cs_add_sam_unit_test(supervisor linux_world)
cs_add_sam_unit_test(supervisor overslept)
cs_add_sam_unit_test(supervisor rules sam_units/supervisor/rules_quorum_test.cpp
                     sam_units/supervisor/rules_late_test.cpp
                     sam_units/supervisor/rules_life_test.cpp
                     sam_units/supervisor/rules_operator_test.cpp)
cs_add_sam_unit_test(supervisor pacing)

# What the supervisor is made of, in a world that a test scripts; its objects are those that the
# simulation has.
include(${PROJECT_SOURCE_DIR}/tests/simulation/objects.cmake)
set(supervisor_objects "$<FILTER:$<TARGET_OBJECTS:cs_simulation>,INCLUDE,/src/sam/>")
foreach(unit instance publisher service_link supervisor)
  cs_add_unit_test(sam_${unit}_test SOURCES sam_units/supervisor/${unit}_test.cpp
                                            sam_units/supervisor/scripted_world.cpp)
  target_sources(sam_${unit}_test PRIVATE ${supervisor_objects})
endforeach()
target_sources(sam_supervisor_test PRIVATE sam_units/supervisor/supervisor_operator_test.cpp)

cs_add_namespace_test(sam_service_clients_test TIMEOUT 120
  LIBS cs_stand_in OBJECTS cs_sam cs_ipc cs_common
  SOURCES sam_units/supervisor/cmap_client_test.cpp sam_units/supervisor/quorum_client_test.cpp
          sam_units/supervisor/world_services_test.cpp)

cs_add_sam_unit_test(active active sam_units/active/look_test.cpp
                     sam_units/active/questions_test.cpp)
cs_add_sam_unit_test(active health_check_thread sam_units/active/health_check_forks_test.cpp
                     sam_units/active/health_check_races_test.cpp)
cs_add_sam_unit_test(active thread_exit)

foreach(unit channel checksum frames heartbeat memory_file memory_probe policy private_block
             proc_stat process_lock signal_guard signal_safe_lock slot)
  cs_add_sam_unit_test(shared ${unit})
endforeach()
cs_add_sam_unit_test(shared store sam_units/shared/store_early_test.cpp
                     sam_units/shared/store_processes_test.cpp
                     sam_units/shared/store_trouble_test.cpp)
cs_without_fortification(sam_store_test)

cs_add_sam_unit_test(session session)

foreach(unit excuse forwarding log notices reason settings signal_names)
  cs_add_sam_unit_test(operator ${unit})
endforeach()
cs_without_exceptions(sam_units/active/thread_exit_test.cpp sam_units/shared/signal_guard_test.cpp)
