# SPDX-License-Identifier: BSD-3-Clause
# `cpack -G DEB` and `cpack -G RPM`: packages with the distribution's names, to be put in its place.
# scripts/package configures as they want it. Components: NAME for the library NAME, NAME-dev for
# what one compiles and links with; cs_add_library and the other install() calls put things there.
if(NOT BUILD_SHARED_LIBS)
  return()
endif()

# Which release of ours this is; NEWS.md and the packages have it.
set(CS_CLIENTS_VERSION 1.1)
# Above every 3.1.10-N of a distribution, below 3.1.11.
set(CS_PACKAGE_VERSION "${PROJECT_VERSION}+clients${CS_CLIENTS_VERSION}"
    CACHE STRING "Version of the packages")
set(CS_PACKAGE_RELEASE "1" CACHE STRING "Release of the packages, after the version")
set(CS_PACKAGE_MAINTAINER "corosync-clients maintainers <maintainers@users.noreply.github.com>"
    CACHE STRING "Maintainer named in the packages")
# Debian's other -dev packages want exactly their own version of those that we replace.
set(CS_STANDS_FOR "3.1.7-1+deb12u2" CACHE STRING
    "Versions of the distribution's packages that the Debian packages can stand for (a list)")

# The date of the commit, so that everybody builds the same packages: git's, or what git has written
# where the tree comes from an archive; else that of this file.
set(source_date "$ENV{SOURCE_DATE_EPOCH}")
if(source_date STREQUAL "")
  file(STRINGS packaging/commit-date source_date REGEX "^[0-9]+$")
endif()
if(source_date STREQUAL "" AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
  execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} log -1 --format=%ct
                  OUTPUT_VARIABLE source_date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(source_date STREQUAL "")
  file(TIMESTAMP cmake/packaging.cmake source_date "%s" UTC)
endif()
set(date_before "$ENV{SOURCE_DATE_EPOCH}")
set(ENV{SOURCE_DATE_EPOCH} "${source_date}")
string(TIMESTAMP CS_PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(ENV{SOURCE_DATE_EPOCH} "${date_before}")

set(full_version ${CS_PACKAGE_VERSION}-${CS_PACKAGE_RELEASE})
set(package_dir ${PROJECT_BINARY_DIR}/packaging)
configure_file(packaging/changelog.Debian.in packaging/changelog.Debian @ONLY)

set(CPACK_PACKAGE_NAME corosync-clients)
set(CPACK_PACKAGE_VERSION ${CS_PACKAGE_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(CPACK_PACKAGE_CONTACT "${CS_PACKAGE_MAINTAINER}")
set(CPACK_PACKAGE_VENDOR corosync-clients)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL "")
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/packaging/at-cpack-time.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/finish-tree.cmake)
set(CPACK_CONFIGURED_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_SOURCE_DATE "${source_date}")

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CS_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_SOURCE corosync-clients)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_RELEASE ${CS_PACKAGE_RELEASE})
set(CPACK_RPM_PACKAGE_LICENSE BSD-3-Clause)
set(CPACK_RPM_PACKAGE_GROUP "System/Libraries")
# The same packages wherever and whenever they are built.
string(JOIN "\n" CPACK_RPM_SPEC_MORE_DEFINE
       "%define _build_id_links none" "%define _buildhost localhost"
       "%define use_source_date_epoch_as_buildtime 1" "%define clamp_mtime_to_source_date_epoch 1")
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
    /usr/share/man /usr/share/man/man3 /usr/share/man/man7 /usr/share/doc /usr/include/corosync
    /usr/lib /usr/lib/debug /usr/lib/debug/.build-id
    /usr/${CMAKE_INSTALL_SBINDIR} /usr/share/man/man8 /usr/share/bash-completion
    /usr/share/bash-completion/completions
    /usr/${CMAKE_INSTALL_LIBDIR}/pkgconfig /usr/${CMAKE_INSTALL_LIBDIR}/cmake)

# cs_describe(COMPONENT PACKAGE RPM-PACKAGE SECTION SUMMARY TEXT): what every package of ours has.
macro(cs_describe component package rpm_package section summary text)
  string(TOUPPER ${component} key)
  list(APPEND CPACK_COMPONENTS_ALL ${component})
  set(CPACK_COMPONENT_${key}_DESCRIPTION "${text}")
  set(provided ${CS_STANDS_FOR})
  list(TRANSFORM provided REPLACE "(.+)" "${package} (= \\1)")
  list(JOIN provided ", " CPACK_DEBIAN_${key}_PACKAGE_PROVIDES)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${key}_DESCRIPTION "${summary}\n${text}")
  # CPack knows no Multi-Arch field, but writes this one's value as it is.
  set(CPACK_DEBIAN_${key}_PACKAGE_PRIORITY "optional\nMulti-Arch: same")
  set(CPACK_RPM_${key}_PACKAGE_NAME ${rpm_package})
  set(CPACK_RPM_${key}_PACKAGE_SUMMARY "${summary}")
  set(CPACK_RPM_${key}_PACKAGE_DESCRIPTION "${text}")
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/${package} RENAME copyright
          COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${package_dir}/changelog.Debian DESTINATION share/doc/${package}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endmacro()

# Writes the symbols file of a library from its export map: which version of the package a program
# needs that uses a function. Functions of the node NODE_1.0 are in every corosync since `since`, so
# that a program built with our package can be installed with the distribution's. The others no
# distribution's 3.1.10 has, only ours and what comes after it.
function(cs_write_symbols file library package since)
  get_target_property(map ${library} LINK_DEPENDS)
  get_target_property(soversion ${library} SOVERSION)
  file(STRINGS ${map} lines)
  set(text "lib${library}.so.${soversion} ${package} #MINVER#\n")
  string(APPEND text "* Build-Depends-Package: lib${library}-dev\n")
  set(node Base)
  set(symbols "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^([A-Z0-9_.]+) {")
      set(node ${CMAKE_MATCH_1})
      string(REGEX MATCH "[^_]+$" number ${node})
      set(version ${PROJECT_VERSION}+clients)
      if(number STREQUAL "1.0")
        set(version ${since})
      endif()
      list(APPEND symbols " ${node}@${node} ${version}")
    elseif(line MATCHES "^ +([a-z_]+);")
      if(node STREQUAL "Base")
        set(version ${since})
      endif()
      list(APPEND symbols " ${CMAKE_MATCH_1}@${node} ${version}")
    endif()
  endforeach()
  list(SORT symbols)
  list(JOIN symbols "\n" symbols)
  string(REPLACE _ - text "${text}")
  string(REPLACE "corosync-common.so" "corosync_common.so" text "${text}")
  file(WRITE ${file} "${text}${symbols}\n")
endfunction()

# cs_package(LIBRARY PACKAGE DEV-PACKAGE SINCE NAME EXAMPLE): the packages of a library. RPM ones
# are named as openSUSE had them, a package for a library.
macro(cs_package library package dev_package since name example)
  get_target_property(soversion ${library} SOVERSION)
  set(rpm_package lib${library}${soversion})
  set(rpm_devel lib${library}-devel)
  set(about "This takes the place of the corosync cluster engine's own package."
      "\nIt works with the distribution's corosync daemon, and with programs"
      "\nthat were built for the library it replaces.")
  string(JOIN "" about ${about})
  cs_describe(${library} ${package} ${rpm_package} libs
              "cluster engine ${name} library (replacement)"
              "${about}")
  set(control_dir ${package_dir}/${library})
  cs_write_symbols(${control_dir}/symbols ${library} ${package} ${since})
  file(WRITE ${control_dir}/shlibs "lib${library} ${soversion} ${package} (>= ${since})\n")
  file(WRITE ${control_dir}/triggers "activate-noawait ldconfig\n")
  set(CPACK_DEBIAN_${key}_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_${key}_PACKAGE_CONTROL_EXTRA
      ${control_dir}/symbols ${control_dir}/shlibs ${control_dir}/triggers)
  # dpkg-shlibdeps knows no package of a library that is only just being built.
  get_target_property(linked ${library} LINK_LIBRARIES)
  if(linked MATCHES "corosync_common")
    set(CPACK_DEBIAN_${key}_PACKAGE_DEPENDS "libcorosync-common4 (>= 1.99.9)")
    set(CPACK_DEBIAN_${key}_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
        ${PROJECT_BINARY_DIR}/src/corosync_common)
    list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
         ${PROJECT_BINARY_DIR}/src/corosync_common)
  endif()
  install(FILES packaging/lintian/${package} DESTINATION share/lintian/overrides
          COMPONENT ${library} EXCLUDE_FROM_ALL)
  # These have all of corosync's libraries in one package, of which a part cannot be replaced.
  set(CPACK_RPM_${key}_PACKAGE_CONFLICTS "corosynclib, corosync-libs")
  set(CPACK_RPM_${key}_POST_INSTALL_SCRIPT_FILE ${PROJECT_SOURCE_DIR}/packaging/ldconfig)
  set(CPACK_RPM_${key}_POST_UNINSTALL_SCRIPT_FILE ${PROJECT_SOURCE_DIR}/packaging/ldconfig)

  cs_describe(${library}-dev ${dev_package} ${rpm_devel} libdevel
              "cluster engine ${name} development (replacement)"
              "${about}\nIt has the headers, the manual pages and what one links with.")
  if(NOT "${example}" STREQUAL "")
    install(FILES examples/${example} examples/Makefile
            DESTINATION share/doc/${dev_package}/examples
            COMPONENT ${library}-dev EXCLUDE_FROM_ALL)
  endif()
  set(needed "${package} (= ${full_version})")
  set(needed_rpm "${rpm_package} = ${full_version}")
  if("${library}" STREQUAL "corosync_common")
    string(APPEND needed ", libqb-dev")
    string(APPEND needed_rpm ", pkgconfig(libqb)")
  else()
    string(APPEND needed ", libcorosync-common-dev (>= 3.1)")
    string(APPEND needed_rpm ", libcorosync_common-devel >= 3.1")
  endif()
  set(CPACK_DEBIAN_${key}_PACKAGE_DEPENDS "${needed}")
  set(CPACK_RPM_${key}_PACKAGE_REQUIRES "${needed_rpm}")
  set(CPACK_RPM_${key}_PACKAGE_CONFLICTS "corosynclib-devel, corosync-devel, libcorosync-devel")
  # Our own, as they were named once.
  set(CPACK_RPM_${key}_PACKAGE_OBSOLETES "${dev_package} < ${CS_PACKAGE_VERSION}")

  cs_describe(${library}-symbols ${package}-dbgsym ${rpm_package}-debuginfo debug
              "debug symbols for ${package} (replacement)"
              "With them a debugger names the functions and lines of the library.")
  set(CPACK_DEBIAN_${key}_PACKAGE_PROVIDES "")
  set(CPACK_DEBIAN_${key}_PACKAGE_DEPENDS "${package} (= ${full_version})")
  set(CPACK_RPM_${key}_PACKAGE_REQUIRES "${rpm_package} = ${full_version}")
  set(debug_of ${library})
  configure_file(packaging/install-debug.cmake.in packaging/${library}-debug.cmake.in @ONLY)
  file(GENERATE OUTPUT ${package_dir}/${library}-debug.cmake
       INPUT ${package_dir}/${library}-debug.cmake.in)
  install(SCRIPT ${package_dir}/${library}-debug.cmake COMPONENT ${library}-symbols
          EXCLUDE_FROM_ALL)
endmacro()

cs_package(corosync_common libcorosync-common4 libcorosync-common-dev 1.99.9 "common" "")
set(CPACK_RPM_COROSYNC_COMMON_PACKAGE_OBSOLETES "libcorosync-common4 < ${CS_PACKAGE_VERSION}")
cs_package(sam libsam4 libsam-dev 1.99.9 "SAM" sam-worker.c)
cs_package(votequorum libvotequorum8 libvotequorum-dev 2.4.2 "Votequorum" quorum-watch.c)

# The tools: no library, so there is one for all architectures, and it stands for nothing else.
if(CS_BUILD_TOOLS)
  set(about "quorum-check says whether this node is quorate, for monitoring and scripts."
            "\nsam-run runs any program under SAM, only with quorum if wanted.")
  string(JOIN "" about ${about})
  cs_describe(tools corosync-clients-tools corosync-clients-tools admin
              "tools for programs in a corosync cluster" "${about}")
  set(CPACK_DEBIAN_TOOLS_PACKAGE_PROVIDES "")
  set(CPACK_DEBIAN_TOOLS_PACKAGE_PRIORITY "optional\nMulti-Arch: foreign")
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
  list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
       ${PROJECT_BINARY_DIR}/src/sam ${PROJECT_BINARY_DIR}/src/votequorum)
  # sam-run asks our libsam for what the distribution's does not do.
  set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS
      "libsam4 (>= ${CS_PACKAGE_VERSION}), libvotequorum8 (>= 2.4.2)")
  string(APPEND CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS ", libcorosync-common4 (>= 1.99.9)")
  set(CPACK_RPM_TOOLS_PACKAGE_REQUIRES "libsam4 >= ${CS_PACKAGE_VERSION}")
endif()
include(CPack)
