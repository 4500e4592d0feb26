/* Flushing of denormal numbers to 0 during a computation: they cost a hundred times as much and do not matter here. */
#pragma once

#include "vectors.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
INLINE unsigned long flush_denormals(void)
{
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    return before;
}
INLINE void restore_denormals(unsigned long before) { _mm_setcsr((unsigned)before); }
#elif defined(__aarch64__)
INLINE unsigned long flush_denormals(void)
{
    unsigned long before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | (1ul << 24)));
    return before;
}
INLINE void restore_denormals(unsigned long before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#else
INLINE unsigned long flush_denormals(void) { return 0; }
INLINE void restore_denormals(unsigned long before) { (void)before; }
#endif
