# SPDX-License-Identifier: BSD-3-Clause
# Each fuzz target for CS_FUZZ_SECONDS (environment; 5 by default), built with clang in a folder of
# its own. Not again under a sanitizer: the targets have theirs.
if(NOT CS_SANITIZE)
  add_test(NAME Fuzz.Build COMMAND ${PROJECT_SOURCE_DIR}/scripts/fuzz --build)
  set_tests_properties(Fuzz.Build PROPERTIES FIXTURES_SETUP fuzz_targets TIMEOUT 600
                       SKIP_RETURN_CODE 77)
  file(GLOB fuzz_targets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*.cpp)
  foreach(file IN LISTS fuzz_targets)
    get_filename_component(target ${file} NAME_WE)
    add_test(NAME Fuzz.${target} COMMAND ${PROJECT_SOURCE_DIR}/scripts/fuzz ${target})
    set_tests_properties(Fuzz.${target} PROPERTIES FIXTURES_REQUIRED fuzz_targets TIMEOUT 3600
                         SKIP_RETURN_CODE 77)
  endforeach()
endif()
