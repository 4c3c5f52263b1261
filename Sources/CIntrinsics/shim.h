// The only door to what Swift cannot name: the CRC-32C instruction of SSE4.2, and the commit that a release build is
// told of (swift build -Xcc '-DCALLFLOW_COMMIT="1a2b3c4"'). Header only, nothing to link.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef CALLFLOW_COMMIT
#define CALLFLOW_COMMIT "unknown"
#endif

static inline const char *callflow_commit(void) { return CALLFLOW_COMMIT; }

#if defined(__x86_64__)

static inline int callflow_has_crc32c(void) { return __builtin_cpu_supports("sse4.2") != 0; }

// The loop is here, not in Swift: code for another instruction set cannot be inlined into its caller, so one call has
// to do all. `state` is the inverted register, as in the Swift version. Call only where callflow_has_crc32c() is not 0.
__attribute__((target("sse4.2"))) static inline uint32_t callflow_crc32c(
    uint32_t state, const void *bytes, size_t count) {
  const unsigned char *place = (const unsigned char *)bytes;
  uint64_t wide = state;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, place, 8);
    wide = __builtin_ia32_crc32di(wide, word);
    place += 8;
    count -= 8;
  }
  uint32_t narrow = (uint32_t)wide;
  while (count > 0) {
    narrow = __builtin_ia32_crc32qi(narrow, *place);
    place += 1;
    count -= 1;
  }
  return narrow;
}

#else

static inline int callflow_has_crc32c(void) { return 0; }

static inline uint32_t callflow_crc32c(uint32_t state, const void *bytes, size_t count) {
  (void)bytes;
  (void)count;
  return state;
}

#endif
