# SPDX-License-Identifier: BSD-3-Clause
# Every benchmark program, for a moment, with either library: whether it works, not how fast.
if(TARGET bench_floor)  # a missing Google Benchmark leaves them out
  add_test(NAME bench_programs
           COMMAND ${PROJECT_SOURCE_DIR}/scripts/in-namespaces python3 -B
                   ${PROJECT_SOURCE_DIR}/bench/run.py --quick --build ${PROJECT_BINARY_DIR}
                   --output ${PROJECT_BINARY_DIR}/bench/results)
  set_tests_properties(bench_programs PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
