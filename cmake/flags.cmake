# SPDX-License-Identifier: BSD-3-Clause
# Compiler and linker flags: warnings and sanitizers for everything, hardening and the ban on the
# C++ run-time for what is shipped.

add_library(cs_warnings INTERFACE)
target_compile_options(cs_warnings INTERFACE -Wall -Wextra -Werror -Wshadow -Wformat=2 -Wundef
                       $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>)
if(CS_SANITIZE)
  # Not vptr: it looks at objects through a pipe, so where descriptors run out it is wrong; and it
  # has nothing to say of the libraries, which are built without what it checks.
  target_compile_options(cs_warnings INTERFACE -fsanitize=${CS_SANITIZE} -fno-sanitize=vptr
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_compile_definitions(cs_warnings INTERFACE CS_SANITIZED)
  target_link_options(cs_warnings INTERFACE -fsanitize=${CS_SANITIZE})
endif()

# For the objects that end up in the shipped libraries.
add_library(cs_shipped INTERFACE)
target_compile_options(cs_shipped INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>
  -fvisibility=hidden -fstack-protector-strong -fstack-clash-protection)
if(NOT CS_SANITIZE)
  target_compile_options(cs_shipped INTERFACE -ffunction-sections -fdata-sections)
  if(CMAKE_BUILD_TYPE MATCHES "Rel")
    target_compile_options(cs_shipped INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86|AMD64")
    target_compile_options(cs_shipped INTERFACE -fcf-protection=full)
  endif()
endif()
target_link_libraries(cs_shipped INTERFACE cs_warnings)

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
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
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
