# SPDX-License-Identifier: BSD-3-Clause
# Random programs with the distribution's libraries and with ours, side by side. Not with sanitizers,
# whose run-time must be linked into the program.
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
