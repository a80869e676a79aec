# SPDX-License-Identifier: BSD-3-Clause
# Each public header alone, from C89 to C++20, with both compilers.
file(GLOB public_headers RELATIVE ${PROJECT_SOURCE_DIR}/include/corosync CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/include/corosync/*.h)
foreach(header IN LISTS public_headers)
  foreach(pair IN ITEMS "gcc;g++" "clang;clang++")
    list(GET pair 0 cc)
    list(GET pair 1 cxx)
    add_test(NAME Headers.${header}.${cc}
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/check-header ${PROJECT_SOURCE_DIR}/include
                     ${header} ${cc} ${cxx})
    set_tests_properties(Headers.${header}.${cc} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
  endforeach()
endforeach()
