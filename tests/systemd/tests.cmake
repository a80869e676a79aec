# SPDX-License-Identifier: BSD-3-Clause
# Unchanged programs under a real systemd, without and with the operator's variables. A sanitizer
# would write where a service must not.
if(NOT BUILD_SHARED_LIBS OR CS_SANITIZE)
  return()
endif()

if(NOT CS_BUILD_EXAMPLES)
  return()
endif()

add_executable(systemd_service systemd/service.c)
target_include_directories(systemd_service PRIVATE ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(systemd_service PRIVATE sam cs_warnings)

foreach(case plain_stop_mixed asked_stop_mixed asked_stop_process asked_stop_group plain_reload
             asked_reload plain_crash asked_crash asked_crash_loop asked_hang
             plain_supervisor_killed asked_supervisor_killed asked_supervisor_stuck
             plain_corosync_restarted asked_corosync_restarted asked_stop_without_quorum
             example_life example_hang example_socket)
  add_test(NAME Systemd.${case}
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check-service ${case} $<TARGET_FILE:systemd_service>)
  set_tests_properties(Systemd.${case} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77 LABELS systemd)
endforeach()

# All services side by side in one systemd.
if(CS_BUILD_TOOLS)
  add_test(NAME Systemd.table
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check-table $<TARGET_FILE:systemd_service>
                   $<TARGET_FILE:sam-run>)
  set_tests_properties(Systemd.table PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77 LABELS systemd
                       PROCESSORS 2)
endif()
