# SPDX-License-Identifier: BSD-3-Clause
# The protections of the libraries as they are installed. Not of others: sanitizers and builds that
# are not optimized leave some of them out.
if(BUILD_SHARED_LIBS AND NOT CS_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "Rel")
  set(check ${CMAKE_CURRENT_LIST_DIR}/check-library)
  set(stage ${CMAKE_CURRENT_BINARY_DIR}/hardening-stage)
  set(branches "")
  set(unprotected "")
  set(no_marks "")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86|AMD64")
    set(branches --branches)
    set(unprotected -fcf-protection=none)
    set(no_marks "no note of IBT.*mark for indirect branches")
  elseif(CS_COMPILER_PROTECTS_BRANCHES)
    set(branches --branches)
    set(unprotected -mbranch-protection=none)
    set(no_marks "mark for indirect branches")
  endif()

  add_test(NAME Hardening.Install COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR}
           --prefix ${stage})
  set_tests_properties(Hardening.Install PROPERTIES FIXTURES_SETUP hardening_stage TIMEOUT 60)

  # NAME FILE-OF-THE-LIBRARY OPTIONS...: libcorosync_common keeps nothing on the stack.
  function(cs_add_hardening_test name file)
    add_test(NAME Hardening.${name}
             COMMAND ${check} ${ARGN} ${branches} ${stage}/${CMAKE_INSTALL_LIBDIR}/${file})
    set_tests_properties(Hardening.${name} PROPERTIES FIXTURES_REQUIRED hardening_stage TIMEOUT 60)
  endfunction()
  cs_add_hardening_test(libcorosync_common libcorosync_common.so.4)
  cs_add_hardening_test(libvotequorum libvotequorum.so.8 --stack --fortify)
  if(TARGET sam)
    cs_add_hardening_test(libsam libsam.so.4 --stack --fortify)
  endif()

  # The check itself: a library without protections is found to lack each one.
  add_library(hardening_soft SHARED ${CMAKE_CURRENT_LIST_DIR}/soft.c)
  target_compile_options(hardening_soft PRIVATE -U_FORTIFY_SOURCE -fno-stack-protector -O1
                         ${unprotected})
  target_link_options(hardening_soft PRIVATE -Wl,-z,norelro -Wl,-z,lazy -Wl,-z,execstack
                      -Wl,-z,notext -Wl,-z,undefs -Wl,--no-as-needed -lm -Wl,-rpath,/nowhere)
  set(expected "no RELRO.*BIND_NOW.*executable stack.*search path.*libm.*C\\+\\+ run-time")
  string(APPEND expected ".*no stack")
  string(APPEND expected ".*no _FORTIFY_SOURCE.*${no_marks}")
  add_test(NAME Hardening.FaultsAreFound COMMAND ${check} --stack --fortify ${branches}
           $<TARGET_FILE:hardening_soft>)
  set_tests_properties(Hardening.FaultsAreFound PROPERTIES PASS_REGULAR_EXPRESSION "${expected}"
                       TIMEOUT 60)
endif()
