# SPDX-License-Identifier: BSD-3-Clause
# The tools: what they decide and print, and what they do with a real daemon and in a cluster.
if(NOT TARGET tools)
  return()
endif()
set(tools ${PROJECT_SOURCE_DIR}/tools)

cs_add_unit_test(quorum_check_print_test
                 SOURCES tools/quorum_check_print_test.cpp ${tools}/quorum-check/verdict.c
                         ${tools}/quorum-check/print.c ${tools}/common/arguments.c
                 LIBS corosync_common)
target_include_directories(quorum_check_print_test PRIVATE ${tools})

# cs_add_tool_test(KIND NAME TIMEOUT seconds SOURCES ... LIBS ...): knows where the tools are.
macro(cs_add_tool_test kind name)
  cmake_language(CALL cs_add_${kind}_test ${name} ${ARGN})
  target_compile_definitions(${name} PRIVATE CS_QUORUM_CHECK="$<TARGET_FILE:quorum-check>"
                             CS_SAM_RUN="$<TARGET_FILE:sam-run>")
  add_dependencies(${name} tools)
endmacro()

cs_add_tool_test(daemon quorum_check_test TIMEOUT 200 SOURCES tools/quorum_check_test.cpp
                 LIBS cs_stand_in)
cs_add_tool_test(namespace quorum_check_cluster_test TIMEOUT 200
                 SOURCES tools/quorum_check_cluster_test.cpp)
cs_add_tool_test(process sam_run_test LIBS cs_test_support
                 SOURCES tools/sam_run_test.cpp tools/sam_run_service_test.cpp support/proc.cpp)
cs_add_tool_test(namespace sam_run_cluster_test TIMEOUT 200
                 SOURCES tools/sam_run_cluster_test.cpp support/proc.cpp)

foreach(tool IN ITEMS quorum-check sam-run)
  foreach(check IN ITEMS page completion lint)
    add_test(NAME Tools.${tool}.${check}
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/check-tool ${check} $<TARGET_FILE:${tool}>
                     ${PROJECT_SOURCE_DIR})
    set_tests_properties(Tools.${tool}.${check} PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
  endforeach()
endforeach()
