# SPDX-License-Identifier: BSD-3-Clause
# The manual pages say what the headers say, are complete, point somewhere and are well formed.
foreach(check IN ITEMS coverage prototypes errors sections examples readme see-also lint)
  add_test(NAME Man.${check}
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check-pages ${check} ${PROJECT_SOURCE_DIR}
                   ${CMAKE_C_COMPILER})
  set_tests_properties(Man.${check} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
endforeach()
