# SPDX-License-Identifier: BSD-3-Clause
# The unit tests on other machines (scripts/other-machines, which says when it cannot): those that
# this one runs by itself. The emulated ones take minutes; .ci/run has them.
if(NOT CMAKE_CROSSCOMPILING AND NOT CS_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "Rel")
  foreach(machine i386 musl)
    add_test(NAME Machines.${machine}
             COMMAND ${PROJECT_SOURCE_DIR}/scripts/other-machines ${machine})
    set_tests_properties(Machines.${machine} PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77)
  endforeach()
endif()
