# SPDX-License-Identifier: BSD-3-Clause
# Half a minute of everything at once (CS_SOAK_SECONDS; scripts/soak for longer).
if(NOT TARGET sam)
  return()
endif()
add_executable(soak_sam_application soak/sam_application.cpp support/proc.cpp)
target_include_directories(soak_sam_application PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(soak_sam_application PRIVATE cs_warnings sam)

cs_add_namespace_test(soak_test TIMEOUT 7200
  SOURCES soak/soak_test.cpp soak/votequorum_churn.cpp soak/resources.cpp support/proc.cpp
  LIBS votequorum)
target_compile_definitions(soak_test PRIVATE
  CS_SAM_APPLICATION="$<TARGET_FILE:soak_sam_application>")
add_dependencies(soak_test soak_sam_application)
