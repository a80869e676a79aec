# SPDX-License-Identifier: BSD-3-Clause
# libsam from outside: the contract, what is better than the distribution's library, torture, and
# with the real daemon. The programs link the shared library, so that LD_LIBRARY_PATH alone makes
# them run the distribution's (scripts/compare-with-stock).
add_library(cs_sam_test_support STATIC support/sam_process.cpp support/sam_scenario.cpp
            support/proc.cpp)
target_include_directories(cs_sam_test_support PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(cs_sam_test_support PRIVATE cs_warnings cs_test_flags
                      PUBLIC sam cs_test_support GTest::gtest -Wl,--enable-new-dtags)

cs_add_process_test(sam_process_test
  SOURCES sam/states_test.cpp sam/recovery_test.cpp sam/hang_test.cpp sam/callback_test.cpp
          sam/callback_processes_test.cpp sam/data_test.cpp sam/data_processes_test.cpp
          sam/register_test.cpp sam/health_check_cost_test.cpp sam/data_trouble_test.cpp
          sam/deaths_test.cpp sam/supervisor_limits_test.cpp sam/freeze_test.cpp
  LIBS cs_sam_test_support)

# Kinds of programs, as docs/compatibility.md lists them.
cs_add_process_test(sam_kinds_test
  SOURCES sam/daemons_test.cpp sam/helpers_test.cpp sam/children_test.cpp
          sam/supervision_test.cpp sam/surroundings_test.cpp sam/leaving_test.cpp
          sam/session_test.cpp
  LIBS cs_sam_test_support)

# What the operator asks for in the environment.
cs_add_process_test(sam_operator_test
  SOURCES sam/operator_test.cpp sam/operator_log_test.cpp sam/excuse_test.cpp
  LIBS cs_sam_test_support)

# A sanitizer has its own versions of some calls of libc as well.
if(NOT CS_SANITIZE)
  cs_add_process_test(sam_slow_supervisor_test
                      SOURCES sam/slow_supervisor_test.cpp sam/orphan_race_test.cpp
                      LIBS cs_sam_test_support)
  set_target_properties(sam_slow_supervisor_test PROPERTIES ENABLE_EXPORTS ON)
  cs_without_fortification(sam_slow_supervisor_test)
endif()

if(BUILD_SHARED_LIBS AND NOT CS_SANITIZE)
  cs_add_process_test(sam_unload_test SOURCES sam/unload_test.cpp support/proc.cpp)
  target_link_options(sam_unload_test PRIVATE LINKER:--enable-new-dtags)
  set_target_properties(sam_unload_test PROPERTIES
    BUILD_RPATH "$<TARGET_FILE_DIR:sam>;$<TARGET_FILE_DIR:corosync_common>")
  add_dependencies(sam_unload_test sam corosync_common)
endif()

cs_add_test_program(sam_torture_test SOURCES sam/torture_test.cpp LIBS cs_sam_test_support)
gtest_discover_tests(sam_torture_test PROPERTIES TIMEOUT 170)

cs_add_daemon_test(sam_daemon_test TIMEOUT 170
  SOURCES sam/daemon_quorum_test.cpp sam/daemon_cmap_test.cpp sam/daemon_beyond_stock_test.cpp
          sam/daemon_leaving_test.cpp sam/containers_test.cpp
  LIBS cs_sam_test_support)

cs_add_namespace_test(sam_operator_daemon_test TIMEOUT 120 SOURCES sam/operator_daemon_test.cpp
  LIBS cs_sam_test_support)

cs_add_namespace_test(sam_hostile_test TIMEOUT 170
  SOURCES sam/hostile_test.cpp sam/busy_daemon_test.cpp
  LIBS cs_sam_test_support cs_stand_in)

# Sanitized programs would bring their own run-time into a library that was built without.
if(BUILD_SHARED_LIBS AND NOT CS_SANITIZE)
  add_test(NAME sam_compared_with_stock
           COMMAND ${PROJECT_SOURCE_DIR}/scripts/compare-with-stock
                   $<TARGET_FILE:sam_process_test> $<TARGET_FILE:sam_kinds_test>
                   $<TARGET_FILE:sam_torture_test>
                   $<TARGET_FILE:sam_daemon_test>)
  set_tests_properties(sam_compared_with_stock PROPERTIES TIMEOUT 170 SKIP_RETURN_CODE 77)
endif()
