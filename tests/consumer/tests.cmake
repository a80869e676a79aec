# SPDX-License-Identifier: BSD-3-Clause
# Somebody else's project, built from an installed prefix: with pkg-config or our CMake package,
# with shared or static libraries, and with flags and a prefix that are not ours.
if(CS_SANITIZE)
  return()
endif()

# Static libraries come out of the build folder of the shared ones.
foreach(kind IN ITEMS shared static shared-odd static-odd)
  foreach(step IN ITEMS install pkg-config find-package examples)
    set(name Consumer.${step}.${kind})
    add_test(NAME ${name}
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/check-consumer ${step} ${kind} ${PROJECT_SOURCE_DIR}
                     ${PROJECT_BINARY_DIR}/consumer ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300)
    if(step STREQUAL install)
      string(REPLACE static shared before ${kind})
      set_tests_properties(${name} PROPERTIES FIXTURES_SETUP consumer.${kind})
      if(NOT before STREQUAL kind)
        set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED consumer.${before})
      endif()
    else()
      set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED consumer.${kind})
    endif()
  endforeach()
endforeach()
