// SPDX-License-Identifier: BSD-3-Clause
// Reads the lists of symbols that the loaded objects import.
#include "ipc/jumps.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <elf.h>
#include <link.h>
#include <string_view>

#include <qb/qbipcc.h>

namespace cs::ipc {
namespace {

bool is_jump(std::string_view name) noexcept {
  return name.ends_with("longjmp") || name == "__longjmp_chk" || name == "setcontext" ||
         name == "swapcontext";
}

// An object's dynamic section.
struct Dynamic {
  ElfW(Addr) base = 0;
  const ElfW(Dyn)* entries = nullptr;

  // 0 when there is no such entry.
  [[nodiscard]] std::size_t value(ElfW(Sxword) tag) const noexcept {
    for (const auto* entry = entries; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag == tag) return entry->d_un.d_val;
    }
    return 0;
  }

  // Some loaders have added the load address in the section, others have not.
  template <typename T>
  [[nodiscard]] const T* at(ElfW(Sxword) tag) const noexcept {
    const std::size_t address = value(tag);
    if (address == 0) return nullptr;
    return reinterpret_cast<const T*>(address < base ? base + address : address);
  }
};

// How many symbols a table of relocations refers to, from the first symbol on.
template <typename Relocation>
std::size_t count_relocated(const Relocation* table, std::size_t bytes) noexcept {
  constexpr unsigned kTypeBits = sizeof(ElfW(Addr)) == 8 ? 32 : 8;
  std::size_t count = 0;
  for (std::size_t i = 0; table != nullptr && i < bytes / sizeof(Relocation); ++i) {
    count = std::max<std::size_t>(count, (table[i].r_info >> kTypeBits) + 1);
  }
  return count;
}

std::size_t count_relocated(const Dynamic& dynamic) noexcept {
  const std::size_t bytes = dynamic.value(DT_PLTRELSZ);
  const std::size_t called = dynamic.value(DT_PLTREL) == DT_RELA
                                 ? count_relocated(dynamic.at<ElfW(Rela)>(DT_JMPREL), bytes)
                                 : count_relocated(dynamic.at<ElfW(Rel)>(DT_JMPREL), bytes);
  return std::max({called,
                   count_relocated(dynamic.at<ElfW(Rela)>(DT_RELA), dynamic.value(DT_RELASZ)),
                   count_relocated(dynamic.at<ElfW(Rel)>(DT_REL), dynamic.value(DT_RELSZ))});
}

// How many symbols the table of exported ones knows of, itself and before it; 0 when it is empty.
std::size_t count_hashed(const std::uint32_t* table) noexcept {
  constexpr std::size_t kHeader = 4;
  constexpr std::size_t kWord = sizeof(ElfW(Addr)) / sizeof(*table);  // of the filter
  const std::size_t buckets = table[0];
  const std::size_t first = table[1];
  const std::uint32_t* const bucket = table + kHeader + table[2] * kWord;
  const std::uint32_t* const chain = bucket + buckets;
  std::size_t last = 0;
  for (std::size_t i = 0; i < buckets; ++i) last = std::max<std::size_t>(last, bucket[i]);
  if (last < first || last == 0) return 0;
  while ((chain[last - first] & 1) == 0) ++last;  // the end of the last chain has that bit
  return last + 1;
}

// How many symbols to look at to see all imported ones; 0 when there is no telling. They come
// before the exported ones, where the table of those begins. But a table that is empty may say
// nothing of that (GNU ld); and of a program at a fixed address, functions whose address it takes
// are in the table although they are imported.
std::size_t count_symbols(const Dynamic& dynamic, bool is_program) noexcept {
  if (const auto* const table = dynamic.at<std::uint32_t>(DT_GNU_HASH)) {
    const std::size_t first = table[1];
    const std::size_t all = is_program || first <= 1 ? count_hashed(table) : 0;
    if (all > 0 || first > 1) return std::max(all, first);
  }
  if (const auto* const table = dynamic.at<Elf_Symndx>(DT_HASH)) return table[1];
  return count_relocated(dynamic);
}

bool wants_jump(const Dynamic& dynamic, bool is_program) noexcept {
  const auto* const symbols = dynamic.at<ElfW(Sym)>(DT_SYMTAB);
  const auto* const names = dynamic.at<char>(DT_STRTAB);
  if (symbols == nullptr || names == nullptr) return false;
  const std::size_t count = count_symbols(dynamic, is_program);
  for (std::size_t i = 1; i < count; ++i) {
    if (symbols[i].st_shndx == SHN_UNDEF && is_jump(names + symbols[i].st_name)) return true;
  }
  return count == 0;
}

// libqb imports a jump for a handler of its own, which leaves only libqb's own code.
bool is_libqb(const dl_phdr_info& info) noexcept {
  const auto address = reinterpret_cast<ElfW(Addr)>(&qb_ipcc_recv);
  for (std::size_t i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info.dlpi_phdr[i];
    const ElfW(Addr) start = info.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address - start < segment.p_memsz) return true;
  }
  return false;
}

struct Search {
  bool first = true;
  std::uint32_t loaded = 0;  // how many objects had been loaded at the last look
  bool found = false;
};

// Returns 1 to stop the iteration.
int look_at(dl_phdr_info* info, std::size_t, void* data) noexcept {
  Search& search = *static_cast<Search*>(data);
  const bool is_program = search.first;
  search.first = false;
  const auto loaded = static_cast<std::uint32_t>(info->dlpi_adds);
  if (is_program && loaded == search.loaded) return 1;
  search.loaded = loaded;
  if (!is_program && is_libqb(*info)) return 0;
  Dynamic dynamic;
  for (std::size_t i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_DYNAMIC) continue;
    dynamic = {.base = info->dlpi_addr,
               .entries = reinterpret_cast<const ElfW(Dyn)*>(info->dlpi_addr + segment.p_vaddr)};
  }
  search.found = wants_jump(dynamic, is_program) || (is_program && dynamic.value(DT_NEEDED) == 0);
  return search.found ? 1 : 0;
}

}  // namespace

bool program_can_jump() noexcept {
  static constinit std::atomic<bool> can = false;
  static constinit std::atomic<std::uint32_t> loaded = 0;
  if (can.load(std::memory_order_relaxed)) return true;
  Search search{.loaded = loaded.load(std::memory_order_acquire)};
  ::dl_iterate_phdr(look_at, &search);
  // The answer first: a thread that finds this count does not look at the objects again.
  if (search.found) can.store(true, std::memory_order_relaxed);
  loaded.store(search.loaded, std::memory_order_release);
  return search.found || can.load(std::memory_order_relaxed);
}

}  // namespace cs::ipc
