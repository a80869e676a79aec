// SPDX-License-Identifier: BSD-3-Clause
// The three newest functions, to the letter of upstream's development head: compiles only with a
// header that has exactly these names, types, orders and values, and none of those that ours had
// before. Warnings must be errors.
#include <corosync/votequorum.h>

#include <stddef.h>
#include <stdint.h>

// The same type, not one that converts; what a pointer points to may not differ in a const.
#define SAME(left, right) \
  _Static_assert(__builtin_types_compatible_p(left, right), #left " is not " #right)
#define FUNCTION(name, ...) SAME(__typeof__(name), cs_error_t(__VA_ARGS__))

FUNCTION(votequorum_get_qdevice_extra_info, votequorum_handle_t, unsigned int, uint32_t*, void*);
FUNCTION(votequorum_set_qdevice_extra_info, votequorum_handle_t, uint32_t, const void*);
FUNCTION(votequorum_model_initialize, votequorum_handle_t*, const votequorum_model_v1_data_t*);
SAME(votequorum_handle_t, uint64_t);

SAME(votequorum_qdevice_extra_info_fn_t,
     void (*)(votequorum_handle_t, uint64_t, uint32_t, uint32_t, void*));

// The order of the members, the new one last.
#define MEMBER(place, type, name)                                                                \
  SAME(__typeof__(((votequorum_model_v1_data_t*)0)->name), type);                                \
  _Static_assert(offsetof(votequorum_model_v1_data_t, name) == (place) * sizeof(void (*)(void)), \
                 #name " is elsewhere")

MEMBER(0, votequorum_model_t, model);
MEMBER(1, votequorum_quorum_notification_fn_t, votequorum_quorum_notify_fn);
MEMBER(2, votequorum_expectedvotes_notification_fn_t, votequorum_expectedvotes_notify_fn);
MEMBER(3, votequorum_nodelist_notification_fn_t, votequorum_nodelist_notify_fn);
MEMBER(4, votequorum_qdevice_extra_info_fn_t, votequorum_qdevice_extra_info_fn);
_Static_assert(sizeof(votequorum_model_v1_data_t) == 5 * sizeof(void (*)(void)), "more members");

// Macros, so that a program can ask with #ifdef whether they are there.
#if VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO != 1024
#error VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO
#endif
#if VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE != 4096
#error VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE
#endif

_Static_assert(VOTEQUORUM_MODEL_V1 == 1, "VOTEQUORUM_MODEL_V1");
_Static_assert(sizeof(votequorum_model_t) == 4, "votequorum_model_t");

// An enumerator that is not handled here is a warning.
int only_model(votequorum_model_t model);
int only_model(votequorum_model_t model) {
  switch (model) {
    case VOTEQUORUM_MODEL_V1:
      return 1;
  }
  return 0;
}

// Names that upstream does not have are a program's own.
enum {
  VOTEQUORUM_MODEL_V0,
  VOTEQUORUM_INFO_QDEVICE_EXTRA_INFO,
  VOTEQUORUM_QDEVICE_MAX_EXTRA_INFO_LEN,
  votequorum_qdevice_extra_info_notification_fn_t
};
