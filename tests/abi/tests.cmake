# SPDX-License-Identifier: BSD-3-Clause
# Our libraries and headers against the distribution's and upstream's.
cs_add_namespace_test(abi_caller_test TIMEOUT 120 LIBS votequorum cs_stand_in
  SOURCES abi/caller_test.cpp abi/our_caller.c abi/upstream_caller.c)

# The rest is for libraries as they are shipped: sanitizers bring symbols and libraries of their
# own.
if(NOT BUILD_SHARED_LIBS OR CS_SANITIZE)
  return()
endif()

set(abi_checks symbols nothing-else soname needed layout newest signatures abidiff loaded)
if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$")
  list(APPEND abi_checks size)
endif()
foreach(check IN LISTS abi_checks)
  add_test(NAME Abi.${check}
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check-abi ${check} ${PROJECT_SOURCE_DIR}
                   ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER})
  set_tests_properties(Abi.${check} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
endforeach()

cs_add_namespace_test(abi_interchange_test TIMEOUT 180 SOURCES abi/interchange_test.cpp)
target_compile_definitions(abi_interchange_test PRIVATE
  CS_SOURCE_FOLDER="${PROJECT_SOURCE_DIR}" CS_BUILD_FOLDER="${PROJECT_BINARY_DIR}"
  CS_C_COMPILER="${CMAKE_C_COMPILER}")
add_dependencies(abi_interchange_test sam votequorum corosync_common)
