# SPDX-License-Identifier: BSD-3-Clause
# Read by cpack, once for each generator.
if(NOT CPACK_CONFIGURED_PREFIX STREQUAL CPACK_PACKAGING_INSTALL_PREFIX)
  message(FATAL_ERROR "configured for ${CPACK_CONFIGURED_PREFIX}, which the pkg-config files name: "
          "use scripts/package, or configure with -DCMAKE_INSTALL_PREFIX=/usr")
endif()
if(CPACK_SOURCE_DATE)  # of the files, in the packages
  set(ENV{SOURCE_DATE_EPOCH} ${CPACK_SOURCE_DATE})
endif()
