# SPDX-License-Identifier: BSD-3-Clause
# src/ipc: what needs no peer, then what meets a stand-in daemon.
cs_add_unit_test(ipc_units_test OBJECTS cs_ipc cs_common
  SOURCES ipc_units/in_flight_test.cpp ipc_units/jumps_test.cpp ipc_units/kept_replies_test.cpp
          ipc_units/reply_test.cpp ipc_units/socket_guard_test.cpp ipc_units/spin_budget_test.cpp
          ipc_units/trust_test.cpp)
cs_without_exceptions(ipc_units/in_flight_test.cpp)
# A function of libc's is replaced that the sanitizers' run-time calls before it can find the real.
if(NOT CS_SANITIZE)
  cs_add_unit_test(ipc_first_call_test LIBS cs_test_support OBJECTS cs_ipc cs_common
    SOURCES ipc_units/first_call_test.cpp)
endif()
# Programs at a fixed address. Not with sanitizers: their run-time can jump. An emulator that runs
# the test cannot run other programs.
if(NOT CS_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  target_sources(ipc_units_test PRIVATE ipc_units/fixed_programs_test.cpp)
  target_compile_definitions(ipc_units_test PRIVATE
                             CS_FIXED_PROGRAM="${CMAKE_CURRENT_BINARY_DIR}/cs_fixed_program_")
  foreach(kind IN ITEMS plain calls points sysv fortified)
    set(program cs_fixed_program_${kind})
    # As in the library: the code that looks does not depend on where it is.
    add_executable(${program} ipc_units/fixed_program.c ipc_units/fixed_program_jumps.cpp
                   $<FILTER:$<TARGET_OBJECTS:cs_ipc>,INCLUDE,/jumps[.]>)
    set_target_properties(${program} PROPERTIES POSITION_INDEPENDENT_CODE OFF LINKER_LANGUAGE C)
    target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_compile_options(${program} PRIVATE -fno-pie)
    target_link_options(${program} PRIVATE -no-pie)
    target_link_libraries(${program} PRIVATE cs_warnings PkgConfig::libqb)
    add_dependencies(ipc_units_test ${program})
  endforeach()
  target_compile_definitions(cs_fixed_program_calls PRIVATE CS_CALLS_JUMP)
  target_compile_definitions(cs_fixed_program_points PRIVATE CS_POINTS_TO_JUMP)
  target_compile_definitions(cs_fixed_program_sysv PRIVATE CS_CALLS_JUMP)
  # It calls __longjmp_chk.
  target_compile_definitions(cs_fixed_program_fortified PRIVATE CS_CALLS_JUMP)
  target_compile_options(cs_fixed_program_fortified PRIVATE -O2 -U_FORTIFY_SOURCE
                         -D_FORTIFY_SOURCE=2)
  target_link_options(cs_fixed_program_sysv PRIVATE -Wl,--hash-style=sysv)
endif()

cs_add_namespace_test(ipc_failed_step_test TIMEOUT 60
  LIBS votequorum cs_stand_in OBJECTS cs_ipc cs_common
  SOURCES ipc_units/failed_step_test.cpp)
# Not with sanitizers: their run-time can jump, so no section is bare.
if(NOT CS_SANITIZE)
  target_sources(ipc_failed_step_test PRIVATE ipc_units/left_call_test.cpp)
  cs_without_fortification(ipc_failed_step_test)
  add_library(cs_jumping_library MODULE ipc_units/jumping_library.c)
  target_link_libraries(cs_jumping_library PRIVATE cs_warnings)
  target_compile_definitions(ipc_failed_step_test PRIVATE
                             CS_JUMPING_LIBRARY="$<TARGET_FILE:cs_jumping_library>")
  add_dependencies(ipc_failed_step_test cs_jumping_library)
endif()
cs_add_namespace_test(ipc_connection_test TIMEOUT 120 LIBS cs_stand_in OBJECTS cs_ipc cs_common
  SOURCES ipc_units/connection_test.cpp)
cs_add_namespace_test(ipc_handshake_test TIMEOUT 60
  LIBS votequorum cs_stand_in OBJECTS cs_ipc cs_common
  SOURCES ipc_units/handshake_test.cpp)
