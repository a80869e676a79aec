# SPDX-License-Identifier: BSD-3-Clause
# Last touches to the tree of files before it is packed: what is installed plain, packages have
# compressed; and Debian's changelog is Debian's.
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  file(GLOB_RECURSE changelogs ${CPACK_TEMPORARY_DIRECTORY}/changelog.Debian)
  if(changelogs)
    file(REMOVE ${changelogs})
  endif()
endif()
file(GLOB_RECURSE plain ${CPACK_TEMPORARY_DIRECTORY}/*.3 ${CPACK_TEMPORARY_DIRECTORY}/changelog.Debian)
if(plain)
  execute_process(COMMAND gzip -9nf ${plain} COMMAND_ERROR_IS_FATAL ANY)
endif()
