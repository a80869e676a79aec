# SPDX-License-Identifier: BSD-3-Clause
# The tests of libvotequorum once more under valgrind's memcheck: no byte used before it was set,
# none after it was freed, none lost; with the build that is shipped, libqb and libc included.
#
# Without the children that let go of their parent's handle: they leave libqb's memory where it is,
# since a disconnect there would cut off the parent. That is a loss, on purpose. And of the daemon
# that sends arbitrary bytes one seed in four: each takes half a minute here.
find_program(CS_VALGRIND valgrind)
if(CS_VALGRIND AND NOT CS_SANITIZE)
  set(memcheck ${CS_VALGRIND} -q --error-exitcode=99 --leak-check=full
               --errors-for-leak-kinds=definite,possible
               --suppressions=${CMAKE_CURRENT_LIST_DIR}/libc.supp)
  # And without the one that lowers a limit below the descriptors that memcheck itself holds.
  foreach(program ipc_units_test votequorum_units_test)
    add_test(NAME Memcheck.${program} COMMAND ${memcheck} $<TARGET_FILE:${program}>
                                              --gtest_filter=-SocketGuard.Refuses*)
    set_tests_properties(Memcheck.${program} PROPERTIES TIMEOUT 60)
  endforeach()
  set(not_here *.Child*Parent* *.ChildKeeps* Seeds/Hostile.*/1 Seeds/Hostile.*/2 Seeds/Hostile.*/3)
  list(JOIN not_here ":" not_here)
  foreach(program votequorum_standin_test votequorum_connect_test votequorum_extra_info_test
                  votequorum_hostile_test ipc_connection_test votequorum_daemon_test
                  votequorum_newest_daemon_test
                  votequorum_threads_daemon_test abi_caller_test)
    add_test(NAME Memcheck.${program}
             COMMAND ${PROJECT_SOURCE_DIR}/scripts/in-namespaces ${memcheck}
                     $<TARGET_FILE:${program}> --gtest_filter=-${not_here})
    set_tests_properties(Memcheck.${program} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
  endforeach()
endif()
