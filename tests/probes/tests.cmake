# SPDX-License-Identifier: BSD-3-Clause
# The static probes are those that sam_environment(7) describes.
if(BUILD_SHARED_LIBS)
  add_test(NAME Probes.AreThoseOfThePage
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check-probes
                   ${PROJECT_SOURCE_DIR}/man/sam_environment.7 $<TARGET_FILE:sam>
                   $<TARGET_FILE:votequorum>)
  set_tests_properties(Probes.AreThoseOfThePage PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
endif()
