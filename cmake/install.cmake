# SPDX-License-Identifier: BSD-3-Clause
# The CMake package: find_package(corosync-clients) gives corosync::sam, corosync::votequorum and
# corosync::corosync_common.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/corosync-clients)
foreach(name IN ITEMS sam votequorum corosync_common)  # a file each, as packages have them
  install(EXPORT corosync-${name} NAMESPACE corosync:: FILE corosync-${name}-targets.cmake
          DESTINATION ${package_dir} COMPONENT ${name}-dev)
endforeach()
configure_package_config_file(cmake/corosync-clients-config.cmake.in corosync-clients-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(corosync-clients-config-version.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/corosync-clients-config.cmake
              ${PROJECT_BINARY_DIR}/corosync-clients-config-version.cmake
        DESTINATION ${package_dir} COMPONENT corosync_common-dev)
