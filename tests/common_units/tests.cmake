# SPDX-License-Identifier: BSD-3-Clause
# The small types of src/common, and libcorosync_common.
cs_add_unit_test(common_units_test OBJECTS cs_common
  SOURCES common_units/clock_test.cpp common_units/file_identity_test.cpp
          common_units/heap_test.cpp common_units/mutex_test.cpp common_units/result_test.cpp
          common_units/status_test.cpp common_units/unique_fd_test.cpp)
cs_add_unit_test(corosync_common_test SOURCES common_units/corosync_common_test.cpp
  LIBS corosync_common cs_test_support)
