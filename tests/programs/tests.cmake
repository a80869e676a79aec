# SPDX-License-Identifier: BSD-3-Clause
# The distribution's own programs, unmodified, on its libraries and on ours: the same must be seen.
# Not with sanitizers, whose run-time must be linked into the program.
if(CS_SANITIZE OR NOT BUILD_SHARED_LIBS)
  return()
endif()
add_library(cs_program_support STATIC programs/transcript.cpp programs/libraries.cpp)
target_include_directories(cs_program_support PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(cs_program_support PRIVATE
  CS_OUR_LIBRARIES="$<TARGET_FILE_DIR:votequorum>:$<TARGET_FILE_DIR:corosync_common>")
target_link_libraries(cs_program_support PRIVATE cs_warnings PUBLIC cs_test_support)
add_dependencies(cs_program_support votequorum corosync_common)

cs_add_daemon_test(quorumtool_test TIMEOUT 120
                      SOURCES programs/quorumtool_test.cpp LIBS cs_program_support)
cs_add_daemon_test(qdevice_test TIMEOUT 180
                      SOURCES programs/qdevice_test.cpp LIBS cs_program_support)
