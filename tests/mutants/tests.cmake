# SPDX-License-Identifier: BSD-3-Clause
# The slips of scripts/mutate apply to the tree, and one that does not is reported. Trying them
# takes hours, and is no test.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  set(check_slips Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/check.py)
  add_test(NAME Mutants.apply COMMAND ${check_slips})
  add_test(NAME Mutants.apply.found COMMAND ${check_slips} --self-test)
  set_tests_properties(Mutants.apply Mutants.apply.found PROPERTIES LABELS tidy)
endif()
