# SPDX-License-Identifier: BSD-3-Clause
# The tree keeps the rules of CONTRIBUTING.md, and the checks find what breaks them. The one that
# takes minutes, clang-tidy, is for .ci/run.
set(check_tree ${CMAKE_CURRENT_LIST_DIR}/check-tree)
foreach(rule IN ITEMS columns whitespace opening spelling includes sizes functions suites units
                      names format shell)
  add_test(NAME Tidy.${rule} COMMAND ${check_tree} ${rule})
  add_test(NAME Tidy.${rule}.found COMMAND ${check_tree} --self-test ${rule})
  set_tests_properties(Tidy.${rule} Tidy.${rule}.found PROPERTIES TIMEOUT 120 LABELS tidy
                       SKIP_RETURN_CODE 77)
endforeach()
