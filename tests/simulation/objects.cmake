# SPDX-License-Identifier: BSD-3-Clause
# The supervisor with the simulation's definition of World in the place of Linux's. For the tests
# and for a fuzz target.
if(TARGET cs_simulation)
  return()
endif()
set(simulated_supervisor supervisor/death_watch supervisor/instance supervisor/publisher
                         supervisor/rules supervisor/supervisor supervisor/supervisor_ends
                         operator/notices operator/reason operator/signal_names)
list(TRANSFORM simulated_supervisor PREPEND ${PROJECT_SOURCE_DIR}/src/sam/)
list(TRANSFORM simulated_supervisor APPEND .cpp)
set(simulation application daemon invariants invariants_lives scenario simulated_services
               simulated_world trace)
list(TRANSFORM simulation PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
list(TRANSFORM simulation APPEND .cpp)
add_library(cs_simulation OBJECT ${simulated_supervisor} ${simulation})
target_include_directories(cs_simulation PUBLIC ${PROJECT_SOURCE_DIR}/src
                           ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(cs_simulation PRIVATE cs_warnings PUBLIC PkgConfig::libqb)
