# SPDX-License-Identifier: BSD-3-Clause
# The packages: built as a user builds them, looked at, and swapped in and out of a throw-away copy
# of the system. They have a build folder of their own, so once is enough: not with sanitizers.
if(CS_SANITIZE OR NOT BUILD_SHARED_LIBS)
  return()
endif()
set(packages ${PROJECT_SOURCE_DIR}/build/packages)
set(check ${CMAKE_CURRENT_LIST_DIR}/check)
add_test(NAME Packages.Build COMMAND ${check} build ${packages})
add_test(NAME Packages.Deb COMMAND ${check} deb ${packages})
add_test(NAME Packages.Rpm COMMAND ${check} rpm ${packages})
add_test(NAME Packages.Same COMMAND ${check} same ${packages})
add_test(NAME Packages.Swap
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/swap ${packages} ${PROJECT_SOURCE_DIR}/build/apt-cache)
set_tests_properties(Packages.Build PROPERTIES TIMEOUT 300 FIXTURES_SETUP packages)
set_tests_properties(Packages.Deb Packages.Rpm PROPERTIES TIMEOUT 120 FIXTURES_REQUIRED packages)
set_tests_properties(Packages.Swap Packages.Same PROPERTIES TIMEOUT 400 FIXTURES_REQUIRED packages)
set_tests_properties(Packages.Build Packages.Deb Packages.Rpm Packages.Swap Packages.Same PROPERTIES
                     SKIP_RETURN_CODE 77 RESOURCE_LOCK packages)
