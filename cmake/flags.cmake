# SPDX-License-Identifier: BSD-3-Clause
# Compiler and linker flags: warnings and sanitizers for everything, hardening and the ban on the
# C++ run-time for what is shipped.
include(CheckCXXSourceCompiles)
include(CheckIncludeFileCXX)
include(CheckLinkerFlag)

add_library(cs_warnings INTERFACE)
target_compile_options(cs_warnings INTERFACE -Wall -Wextra -Wshadow -Wformat=2 -Wundef
                       $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>)
# Not by default: the next compiler warns of something else. So the presets alone ask for all that
# these two compilers can tell, and for its being an error. (Clang finds old casts in C headers.)
if(CS_WERROR)
  target_compile_options(cs_warnings INTERFACE -Werror -Wconversion -Wsign-conversion -Wcast-qual
                         -Wcast-align -Wswitch-enum
                         $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wold-style-cast>
                         $<$<C_COMPILER_ID:GNU>:-Wduplicated-branches -Wlogical-op>)
endif()
if(CS_SANITIZE)
  # Not vptr: it looks at objects through a pipe, so where descriptors run out it is wrong; and it
  # has nothing to say of the libraries, which are built without what it checks.
  target_compile_options(cs_warnings INTERFACE -fsanitize=${CS_SANITIZE} -fno-sanitize=vptr
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_compile_definitions(cs_warnings INTERFACE CS_SANITIZED)
  target_link_options(cs_warnings INTERFACE -fsanitize=${CS_SANITIZE})
endif()

# cs_find_fortify(VARIABLE): whether the user's flags, or the compiler by itself, say what
# _FORTIFY_SOURCE is to be. Then it stays as it is.
function(cs_find_fortify result)
  set(source ${PROJECT_BINARY_DIR}/CMakeFiles/fortify.cpp)
  file(WRITE ${source} "#ifndef _FORTIFY_SOURCE\n#error not said\n#endif\n")
  string(TOUPPER "${CMAKE_BUILD_TYPE}" config)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${config}}")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${flags} -fsyntax-only ${source}
                  RESULT_VARIABLE failure OUTPUT_QUIET ERROR_QUIET)
  if(failure)
    set(${result} OFF PARENT_SCOPE)
  else()
    set(${result} ON PARENT_SCOPE)
  endif()
endfunction()

# cs_find_flag(FLAG VARIABLE): whether the compiler does something with FLAG for this processor.
# CMake's own check takes it for enough that clang accepts the flag, which it may do only to ignore
# it.
function(cs_find_flag flag result)
  set(CMAKE_REQUIRED_DEFINITIONS ${flag})
  check_cxx_source_compiles("int main() { return 0; }" ${result}
    FAIL_REGEX "unused during compilation|not supported|[Uu]nrecognized|[Uu]nknown")
endfunction()

# For the objects that end up in the shipped libraries.
add_library(cs_shipped INTERFACE)
target_compile_options(cs_shipped INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>
  -fvisibility=hidden -fstack-protector-strong)
# The checks of the standard library's own classes end in a function of libstdc++, so they stay out,
# however the user or the compiler (GCC 15 without optimization) asks for them.
target_compile_options(cs_shipped INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-U_GLIBCXX_ASSERTIONS -D_GLIBCXX_NO_ASSERTIONS
    -U_GLIBCXX_DEBUG -U_GLIBCXX_DEBUG_PEDANTIC>)
cs_find_flag(-fstack-clash-protection CS_COMPILER_PROBES_STACK)  # clang 14: not on arm64
if(CS_COMPILER_PROBES_STACK)
  target_compile_options(cs_shipped INTERFACE -fstack-clash-protection)
endif()
# Every symbol is bound when the library is loaded, so a call through a procedure linkage table
# would be a detour, of thirty-odd bytes for each function of libc.
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
  cs_find_flag(-fno-plt CS_COMPILER_CALLS_DIRECTLY)
  if(CS_COMPILER_CALLS_DIRECTLY)
    target_compile_options(cs_shipped INTERFACE -fno-plt)
  endif()
endif()
if(NOT CS_SANITIZE)
  target_compile_options(cs_shipped INTERFACE -ffunction-sections -fdata-sections)
  cs_find_fortify(fortified)
  if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT fortified)
    target_compile_options(cs_shipped INTERFACE -D_FORTIFY_SOURCE=2)
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86|AMD64")
    target_compile_options(cs_shipped INTERFACE -fcf-protection=full)
    # Where libc's _init and _fini bear no mark (Debian), the linker would say that nothing is
    # protected. Neither has anything to do here: without them, all that can be called is marked.
    set(marks LINKER:-init=none,-fini=none,-z,ibt,-z,shstk)
    check_linker_flag(C ${marks} CS_LINKER_WRITES_MARKS)
    if(CS_LINKER_WRITES_MARKS)
      target_link_options(cs_shipped INTERFACE ${marks})
    endif()
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    # The linker says that all is marked where libc's own objects are, too. It is not told to say so
    # where they are not: _init and the like would then be stopped by the processor.
    cs_find_flag(-mbranch-protection=standard CS_COMPILER_PROTECTS_BRANCHES)
    if(CS_COMPILER_PROTECTS_BRANCHES)
      target_compile_options(cs_shipped INTERFACE -mbranch-protection=standard)
    endif()
  endif()
endif()
target_link_libraries(cs_shipped INTERFACE cs_warnings)

# Asked each time, and told to the compiler, so that what was built before the header was there is
# built again.
unset(CS_FOUND_SDT CACHE)
check_include_file_cxx(sys/sdt.h CS_FOUND_SDT)
if(CS_FOUND_SDT)
  target_compile_definitions(cs_shipped INTERFACE CS_PROBES)
endif()

# In what is shipped only: elsewhere the compiler sees such pointers in the C++ library's streams,
# and with a sanitizer in every check that it adds.
if(CS_WERROR AND NOT CS_SANITIZE)
  target_compile_options(cs_shipped INTERFACE -Wnull-dereference)
endif()

# Cold code is compiled for size. With GCC's -Oz (from 12 on) it is a fiftieth smaller still; with
# clang's its tables for unwinding grow by more than it shrinks.
set(CS_FOR_SIZE "")
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(CS_FOR_SIZE -Os)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    cs_find_flag(-Oz CS_COMPILER_KNOWS_OZ)
    if(CS_COMPILER_KNOWS_OZ)
      set(CS_FOR_SIZE -Oz)
    endif()
  endif()
endif()

# cs_join_sources(LIBRARY OBJECTS...): shows GCC all sources of these objects at once when it links
# the shared library: a tenth less code, and a third less of what unwinding needs. The objects can
# be linked without that as well, and a user who says -fno-lto has it so. Clang would need another
# linker.
function(cs_join_sources library)
  if(NOT BUILD_SHARED_LIBS OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR CS_SANITIZE
     OR NOT CMAKE_BUILD_TYPE MATCHES "Rel" OR CMAKE_CXX_FLAGS MATCHES "-fno-lto")
    return()
  endif()
  set(CMAKE_REQUIRED_FLAGS -flto)
  check_cxx_source_compiles("int main() { return 0; }" CS_COMPILER_JOINS_SOURCES)
  if(CS_COMPILER_JOINS_SOURCES)
    foreach(objects IN LISTS ARGN)
      target_compile_options(${objects} PRIVATE -flto -ffat-lto-objects)
    endforeach()
    target_link_options(${library} PRIVATE -flto -flto-partition=one)
  endif()
endfunction()

add_custom_target(libraries COMMENT "All shipped libraries")

# cs_add_library(NAME VERSION v SOVERSION s MAP file OBJECTS object-libraries... SOURCES files...)
# One shipped library: C linker driver, so that no C++ run-time is asked for, and an export map.
function(cs_add_library name)
  cmake_parse_arguments(ARG "" "VERSION;SOVERSION;MAP" "OBJECTS;SOURCES;LIBS" ${ARGN})
  add_library(${name} ${ARG_SOURCES})
  add_library(corosync::${name} ALIAS ${name})
  foreach(object IN LISTS ARG_OBJECTS)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${object}>)
  endforeach()
  target_include_directories(${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:cs_shipped> ${ARG_LIBS})
  set_target_properties(${name} PROPERTIES
    VERSION ${ARG_VERSION} SOVERSION ${ARG_SOVERSION} LINKER_LANGUAGE C)
  get_target_property(type ${name} TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    target_link_options(${name} PRIVATE
      -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/${ARG_MAP} -Wl,-z,relro,-z,now
      -Wl,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed)
    if(NOT CS_SANITIZE)
      target_link_options(${name} PRIVATE -Wl,-z,defs)
    endif()
    set_target_properties(${name} PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_MAP})
  endif()
  add_dependencies(libraries ${name})
  install(TARGETS ${name} EXPORT corosync-${name}
          LIBRARY COMPONENT ${name} NAMELINK_COMPONENT ${name}-dev
          ARCHIVE COMPONENT ${name}-dev)
endfunction()

# cs_add_objects(NAME files...): internal objects, compiled as the shipped libraries are.
function(cs_add_objects name)
  add_library(${name} OBJECT ${ARGN})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${name} PRIVATE cs_shipped PUBLIC PkgConfig::libqb)
endfunction()
