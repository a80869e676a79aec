// SPDX-License-Identifier: BSD-3-Clause
// Reads the lists of symbols that the loaded objects import.
#include "ipc/jumps.h"

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

// What is needed of an object's dynamic section.
struct Dynamic {
  const ElfW(Sym)* symbols = nullptr;
  const char* names = nullptr;
  const std::uint32_t* gnu_hash = nullptr;
  const std::uint32_t* hash = nullptr;
  bool needs_others = false;
};

// Some loaders have added the load address in the section, others have not.
template <typename T>
const T* at(ElfW(Addr) base, ElfW(Addr) address) noexcept {
  return reinterpret_cast<const T*>(address < base ? base + address : address);
}

Dynamic read_dynamic(ElfW(Addr) base, const ElfW(Dyn)* entry) noexcept {
  Dynamic found;
  for (; entry->d_tag != DT_NULL; ++entry) {
    switch (entry->d_tag) {
      case DT_SYMTAB:
        found.symbols = at<ElfW(Sym)>(base, entry->d_un.d_ptr);
        break;
      case DT_STRTAB:
        found.names = at<char>(base, entry->d_un.d_ptr);
        break;
      case DT_GNU_HASH:
        found.gnu_hash = at<std::uint32_t>(base, entry->d_un.d_ptr);
        break;
      case DT_HASH:
        found.hash = at<std::uint32_t>(base, entry->d_un.d_ptr);
        break;
      case DT_NEEDED:
        found.needs_others = true;
        break;
      default:
        break;
    }
  }
  return found;
}

// How many symbols there are at the front of the table, which has the imported ones.
std::size_t count_symbols(const Dynamic& dynamic) noexcept {
  if (dynamic.gnu_hash != nullptr) return dynamic.gnu_hash[1];
  return dynamic.hash != nullptr ? dynamic.hash[1] : 0;
}

bool wants_jump(const Dynamic& dynamic) noexcept {
  if (dynamic.symbols == nullptr || dynamic.names == nullptr) return false;
  const std::size_t count = count_symbols(dynamic);
  for (std::size_t i = 1; i < count; ++i) {
    const ElfW(Sym)& symbol = dynamic.symbols[i];
    if (symbol.st_shndx == SHN_UNDEF && is_jump(dynamic.names + symbol.st_name)) return true;
  }
  return false;
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
    dynamic = read_dynamic(info->dlpi_addr,
                           reinterpret_cast<const ElfW(Dyn)*>(info->dlpi_addr + segment.p_vaddr));
  }
  search.found = wants_jump(dynamic) || (is_program && !dynamic.needs_others);
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
