# SPDX-License-Identifier: BSD-3-Clause
# Toolchain of scripts/other-machines: clang for CS_MACHINE (arm64, i386, s390x), whose unpacked
# packages are in CS_SYSROOT and whose linker and emulator, if it needs any, are in CS_TOOLS.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CS_MACHINE CS_SYSROOT CS_TOOLS)

# Debian's name of the machine, and everybody else's.
string(REPLACE arm64 aarch64 gnu_machine ${CS_MACHINE})
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${gnu_machine})
set(CMAKE_SYSROOT ${CS_SYSROOT})
set(CMAKE_C_COMPILER clang)
set(CMAKE_CXX_COMPILER clang++)
# Debian's i386 are processors from the i686 on: those have atomic operations on 64 bits.
string(REPLACE i386 i686 processor ${gnu_machine})
set(CMAKE_C_COMPILER_TARGET ${processor}-linux-gnu)
set(CMAKE_CXX_COMPILER_TARGET ${processor}-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE ${gnu_machine}-linux-gnu)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

if(CS_MACHINE STREQUAL "i386")
  # The kernel runs these programs; only the loader and the libraries are elsewhere.
  set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--dynamic-linker=${CS_SYSROOT}/lib/ld-linux.so.2")
else()
  # CMake names both when it links.
  foreach(kind EXE SHARED MODULE)
    set(CMAKE_${kind}_LINKER_FLAGS_INIT
        "--ld-path=${CS_TOOLS}/usr/bin/${gnu_machine}-linux-gnu-ld")
  endforeach()
  set(CMAKE_AR ${CS_TOOLS}/usr/bin/${gnu_machine}-linux-gnu-ar CACHE FILEPATH "")
  set(CMAKE_RANLIB ${CS_TOOLS}/usr/bin/${gnu_machine}-linux-gnu-ranlib CACHE FILEPATH "")
  set(CMAKE_CROSSCOMPILING_EMULATOR
      ${CS_TOOLS}/usr/bin/qemu-${gnu_machine}-static -L ${CS_SYSROOT})
endif()
