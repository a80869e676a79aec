# SPDX-License-Identifier: BSD-3-Clause
# What tests share: children with deadlines, and the private real daemon, alone or in a cluster.
add_library(cs_test_support STATIC support/child.cpp support/cluster.cpp
            support/corosync_daemon.cpp)
target_include_directories(cs_test_support PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}
                           ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(cs_test_support PRIVATE
  CS_DEFAULT_COROSYNC_ROOT="${PROJECT_SOURCE_DIR}/build/corosync-root")
target_link_libraries(cs_test_support PRIVATE cs_warnings cs_test_flags PUBLIC GTest::gtest)

add_library(cs_test_main OBJECT support/main.cpp)
target_include_directories(cs_test_main PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(cs_test_main PRIVATE cs_warnings cs_test_flags GTest::gtest)
