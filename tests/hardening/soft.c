/* SPDX-License-Identifier: BSD-3-Clause */
/* A library without any protection, on which the check must find every fault. */
#include <string.h>

extern void* _ZdlPv;

void soft_function(char* to, const char* from);

void soft_function(char* to, const char* from) {
  char copy[64];
  strcpy(copy, from);
  strcpy(to, copy);
  _ZdlPv = 0;
}
