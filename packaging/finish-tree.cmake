# SPDX-License-Identifier: BSD-3-Clause
# Last touches to the tree of files before it is packed: what is installed plain, packages have
# compressed; changelog and overrides of Debian's are Debian's; whatever the user's umask, everybody
# may enter the folders.
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  file(GLOB_RECURSE debian ${CPACK_TEMPORARY_DIRECTORY}/changelog.Debian
       ${CPACK_TEMPORARY_DIRECTORY}/lintian/overrides/*)
  if(debian)
    file(REMOVE ${debian})
  endif()
  file(GLOB folders ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/lintian
       ${CPACK_TEMPORARY_DIRECTORY}/usr/share/lintian)
  if(folders)
    file(REMOVE_RECURSE ${folders})
  endif()
endif()
file(GLOB_RECURSE plain ${CPACK_TEMPORARY_DIRECTORY}/*)
list(FILTER plain INCLUDE REGEX "/man/man[0-9]/[^/]*[.][0-9]$|/changelog[.]Debian$")
if(plain)
  execute_process(COMMAND gzip -9nf ${plain} COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND find "${CPACK_TEMPORARY_DIRECTORY}" -type d -exec chmod 755 {} +
                COMMAND_ERROR_IS_FATAL ANY)
