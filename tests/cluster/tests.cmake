# SPDX-License-Identifier: BSD-3-Clause
# The libraries in a cluster of three nodes: nodes killed, paused, cut off, parted and restarted.
# cluster_test, next door, tests the cluster itself.
if(NOT TARGET votequorum)
  return()
endif()
add_library(cs_cluster_test_support STATIC cluster/daemon_story.cpp cluster/tracker.cpp
            cluster/tracking_client.cpp cluster/watched_cluster.cpp)
target_link_libraries(cs_cluster_test_support PRIVATE cs_warnings Threads::Threads
                      PUBLIC votequorum cs_test_support)

cs_add_unit_test(cluster_audit_test SOURCES cluster/daemon_story_test.cpp
                 LIBS cs_cluster_test_support)
cs_add_namespace_test(cluster_faults_test TIMEOUT 300 SOURCES cluster/faults_test.cpp
                      LIBS cs_cluster_test_support)
if(TARGET sam)
  cs_add_namespace_test(cluster_sam_test TIMEOUT 200 SOURCES cluster/sam_test.cpp
                        LIBS cs_cluster_test_support cs_sam_test_support)
endif()
