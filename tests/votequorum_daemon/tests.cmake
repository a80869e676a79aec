# SPDX-License-Identifier: BSD-3-Clause
# libvotequorum with the real daemon: the contract, what is better than the distribution's library,
# threads, and the three newest functions against a daemon that does not know them.
cs_add_daemon_test(votequorum_daemon_test TIMEOUT 170 LIBS votequorum
  SOURCES votequorum_daemon/beyond_stock_test.cpp votequorum_daemon/dispatch_test.cpp
          votequorum_daemon/endings_test.cpp votequorum_daemon/handles_test.cpp
          votequorum_daemon/qdevice_test.cpp votequorum_daemon/requests_test.cpp
          votequorum_daemon/track_test.cpp)
cs_add_daemon_test(votequorum_threads_daemon_test TIMEOUT 120 LIBS votequorum
  SOURCES votequorum_daemon/threads_test.cpp)
cs_add_daemon_test(votequorum_newest_daemon_test TIMEOUT 60 LIBS votequorum
  SOURCES votequorum_daemon/newest_test.cpp)
cs_add_daemon_test(votequorum_leaving_daemon_test TIMEOUT 170 LIBS votequorum
  SOURCES votequorum_daemon/leaving_test.cpp votequorum_daemon/leaving_storm_test.cpp)
cs_add_daemon_test(votequorum_surroundings_daemon_test TIMEOUT 120 LIBS votequorum
  SOURCES votequorum_daemon/surroundings_test.cpp)
target_link_options(votequorum_surroundings_daemon_test PRIVATE -Wl,--enable-new-dtags)
target_link_options(votequorum_leaving_daemon_test PRIVATE -Wl,--enable-new-dtags)
target_link_options(votequorum_daemon_test PRIVATE -Wl,--enable-new-dtags)

# Sanitized programs would bring their own run-time into a library that was built without.
if(BUILD_SHARED_LIBS AND NOT CS_SANITIZE)
  add_test(NAME stock_shows_faults_votequorum
           COMMAND ${PROJECT_SOURCE_DIR}/scripts/compare-with-stock --limit 12
                   $<TARGET_FILE:votequorum_daemon_test> $<TARGET_FILE:votequorum_standin_test>
                   $<TARGET_FILE:votequorum_connect_test>
                   $<TARGET_FILE:votequorum_leaving_daemon_test>
                   $<TARGET_FILE:votequorum_surroundings_daemon_test>)
  add_test(NAME stock_keeps_the_contract_votequorum
           COMMAND ${PROJECT_SOURCE_DIR}/scripts/compare-with-stock --contract --limit 100
                   $<TARGET_FILE:votequorum_daemon_test>
                   $<TARGET_FILE:votequorum_leaving_daemon_test>
                   $<TARGET_FILE:votequorum_surroundings_daemon_test>)
  set_tests_properties(stock_shows_faults_votequorum stock_keeps_the_contract_votequorum
                       PROPERTIES TIMEOUT 170 SKIP_RETURN_CODE 77)
endif()
