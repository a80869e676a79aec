# SPDX-License-Identifier: BSD-3-Clause
# Calls of libc that fail on purpose. The program's own versions of them take the place of libc's in
# all that it loads, so they must be among its dynamic symbols.
add_library(cs_faults OBJECT faults/faults.cpp faults/calls.cpp)
target_include_directories(cs_faults PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(cs_faults PRIVATE cs_warnings)
# The checked versions that _FORTIFY_SOURCE puts in place of some calls cannot be defined anew.
target_compile_options(cs_faults PRIVATE -U_FORTIFY_SOURCE)
if(CS_SANITIZE)
  # They are called before the sanitizer is ready, and call on to its versions.
  set_source_files_properties(faults/faults.cpp PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
endif()

# In shared memory: the calls of the other transport are libqb's own, and so is what it leaks there.
cs_add_namespace_test(votequorum_faults_test TIMEOUT 300
  SOURCES faults/votequorum_faults_test.cpp support/proc.cpp LIBS votequorum
  OBJECTS cs_faults)
set_target_properties(votequorum_faults_test PROPERTIES ENABLE_EXPORTS ON)

set(sam_trial faults/sam_life.cpp faults/sam_trial.cpp)
cs_add_process_test(sam_faults_test
  SOURCES faults/sam_faults_test.cpp faults/sam_limits_test.cpp faults/sam_memory_test.cpp
          ${sam_trial} support/proc.cpp
  LIBS sam cs_test_support OBJECTS cs_faults)
cs_add_namespace_test(sam_daemon_faults_test TIMEOUT 170
  SOURCES faults/sam_daemon_faults_test.cpp ${sam_trial} support/proc.cpp
  LIBS sam OBJECTS cs_faults)
set_target_properties(sam_faults_test sam_daemon_faults_test PROPERTIES ENABLE_EXPORTS ON)

# A sanitized library calls the sanitizer as well.
if(BUILD_SHARED_LIBS AND NOT CS_SANITIZE)
  add_test(NAME Faults.every_call_is_listed
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check-calls ${CMAKE_CURRENT_LIST_DIR}/calls.cpp
                   $<TARGET_FILE:sam> $<TARGET_FILE:votequorum>)
endif()
