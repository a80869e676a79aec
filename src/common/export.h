// SPDX-License-Identifier: BSD-3-Clause
// Marks the functions of a C ABI file; all else is hidden.
#ifndef CS_COMMON_EXPORT_H
#define CS_COMMON_EXPORT_H

#define CS_EXPORT __attribute__((visibility("default")))

#endif
