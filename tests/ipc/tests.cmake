# SPDX-License-Identifier: BSD-3-Clause
# The connection's pure parts.
cs_add_unit_test(reply_test SOURCES ipc/reply_test.cpp OBJECTS cs_ipc cs_common)
