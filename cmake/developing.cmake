# SPDX-License-Identifier: BSD-3-Clause
# Sets `developing`, the default of CS_BUILD_TESTS and CS_BUILD_EXAMPLES: whether this is the whole
# project, on a machine that has GoogleTest (with GoogleMock, a package of its own in Debian).
set(developing OFF)
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CS_BUILD_TESTS)
  find_package(GTest QUIET)
  if(TARGET GTest::gtest_main AND TARGET GTest::gmock)
    set(developing ON)
  else()
    message(STATUS "GoogleTest and GoogleMock were not found: only the libraries are built "
                   "(Debian: libgtest-dev, libgmock-dev)")
  endif()
endif()
