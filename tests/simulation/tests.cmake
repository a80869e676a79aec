# SPDX-License-Identifier: BSD-3-Clause
# The supervisor in a simulated world: the same seeds each time, fresh ones for CS_SIMULATE_SECONDS
# (environment; 60 by default), every sequence of events for the rules alone, and mutants that must
# be found.
include(${CMAKE_CURRENT_LIST_DIR}/objects.cmake)

add_executable(simulate simulation/simulate.cpp)
target_sources(simulate PRIVATE $<TARGET_OBJECTS:cs_simulation>)
target_include_directories(simulate PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include
                           ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(simulate PRIVATE cs_warnings Threads::Threads)
set(known_seeds 200000)
if(CS_SANITIZE)
  set(known_seeds 10000)  # as many as take seconds
endif()
add_test(NAME Simulation.KnownSeeds COMMAND simulate --seeds ${known_seeds})
set_tests_properties(Simulation.KnownSeeds PROPERTIES LABELS simulation TIMEOUT 3600 PROCESSORS 2)

cs_add_test_program(every_sequence_test OPTIMIZED SOURCES simulation/every_sequence_test.cpp
                    OBJECTS cs_sam cs_ipc cs_common)
gtest_discover_tests(every_sequence_test PROPERTIES TIMEOUT 300 LABELS simulation)

# Not under a sanitizer: many lives are wanted, and what compiles by itself is not sanitized.
if(NOT CS_SANITIZE)
  add_test(NAME Simulation.FreshSeeds COMMAND simulate --single)
  set_tests_properties(Simulation.FreshSeeds PROPERTIES LABELS simulation TIMEOUT 3600)
  add_test(NAME Simulation.MutantsAreFound
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/find-mutants ${PROJECT_SOURCE_DIR}
                   ${CMAKE_CXX_COMPILER} $<TARGET_OBJECTS:simulate> $<TARGET_OBJECTS:cs_simulation>
           COMMAND_EXPAND_LISTS)
  set_tests_properties(Simulation.MutantsAreFound PROPERTIES LABELS simulation TIMEOUT 900
                       PROCESSORS 2)
endif()
