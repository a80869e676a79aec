# SPDX-License-Identifier: BSD-3-Clause
# Clients against a stand-in daemon, for what a healthy daemon never does.
add_library(cs_stand_in STATIC support/stand_in.cpp)
target_include_directories(cs_stand_in PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(cs_stand_in PRIVATE cs_warnings PUBLIC cs_test_support PkgConfig::libqb)

# Uses only what every version of the library has, so that the distribution's can be put in its
# place.
cs_add_namespace_test(votequorum_standin_test TIMEOUT 120 LIBS votequorum cs_stand_in
  SOURCES votequorum_standin/endings_test.cpp votequorum_standin/events_test.cpp
          votequorum_standin/replies_test.cpp)
cs_add_namespace_test(votequorum_connect_test TIMEOUT 120 LIBS votequorum cs_stand_in
  SOURCES votequorum_standin/connect_test.cpp votequorum_standin/impostor_test.cpp)
cs_add_namespace_test(votequorum_extra_info_test TIMEOUT 60 LIBS votequorum cs_stand_in
  SOURCES votequorum_standin/extra_info_test.cpp)
cs_add_namespace_test(votequorum_hostile_test TIMEOUT 120 LIBS votequorum cs_stand_in
  SOURCES votequorum_standin/hostile_test.cpp)
cs_add_namespace_test(votequorum_clients_test TIMEOUT 60
  LIBS votequorum cs_stand_in OBJECTS cs_votequorum cs_ipc cs_common
  SOURCES votequorum_standin/clients_test.cpp)
