# SPDX-License-Identifier: BSD-3-Clause
# Random programs with the distribution's libraries and with ours, side by side. Not with
# sanitizers, whose run-time must be linked into the program.
if(CS_SANITIZE OR NOT BUILD_SHARED_LIBS)
  return()
endif()
add_executable(differential_program
  differential/interpreter/main.cpp differential/interpreter/step.cpp
  differential/interpreter/record.cpp differential/interpreter/place.cpp
  differential/interpreter/threads.cpp differential/interpreter/process_calls.cpp
  differential/interpreter/votequorum_calls.cpp differential/interpreter/sam_calls.cpp)
target_include_directories(differential_program PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
                           ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(differential_program PRIVATE cs_warnings sam votequorum Threads::Threads)
# No path in the program: which libraries it runs on is for LD_LIBRARY_PATH to say.
set_target_properties(differential_program PROPERTIES BUILD_RPATH "" SKIP_BUILD_RPATH TRUE)

find_package(Python3 COMPONENTS Interpreter)
if(NOT Python3_FOUND)
  return()
endif()
set(differential ${PROJECT_SOURCE_DIR}/tests/differential)
set(differential_ours
  $<TARGET_FILE_DIR:votequorum>:$<TARGET_FILE_DIR:sam>:$<TARGET_FILE_DIR:corosync_common>)
set(differential_root ${PROJECT_SOURCE_DIR}/build/corosync-root)
add_test(NAME Differential.Tools
         COMMAND Python3::Interpreter -B -m unittest discover -s ${differential} -p "*_test.py")

# The same programs each time, so that it is red when something has changed, and not by chance;
# scripts/differential has new ones.
add_test(NAME Differential.Stock
         COMMAND Python3::Interpreter -B ${differential}/run.py
                 --program $<TARGET_FILE:differential_program>
                 --ours ${differential_ours}
                 --root ${differential_root} --seed 1)
set_tests_properties(Differential.Stock PROPERTIES TIMEOUT 7200 SKIP_RETURN_CODE 77)

# Minutes, since each fault has its own libraries: only where it is asked for.
option(CS_DIFFERENTIAL_TESTS "Whether the random programs find planted faults, in ctest" OFF)
if(NOT CS_DIFFERENTIAL_TESTS)
  return()
endif()
add_test(NAME Differential.Planted
         COMMAND Python3::Interpreter -B ${differential}/planted.py
                 ${CMAKE_CURRENT_BINARY_DIR}/planted
                 $<TARGET_FILE:differential_program> ${differential_root}
                 -G ${CMAKE_GENERATOR} -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}
                 -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
                 -DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER})
set_tests_properties(Differential.Planted PROPERTIES TIMEOUT 7200 SKIP_RETURN_CODE 77)
