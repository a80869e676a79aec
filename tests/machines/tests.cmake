# SPDX-License-Identifier: BSD-3-Clause
# The code with another libc (scripts/other-machines, which says when it cannot). Other processors
# take minutes: .ci/run has them.
if(NOT CMAKE_CROSSCOMPILING AND NOT CS_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "Rel")
  add_test(NAME Machines.musl COMMAND ${PROJECT_SOURCE_DIR}/scripts/other-machines musl)
  set_tests_properties(Machines.musl PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77)
endif()
