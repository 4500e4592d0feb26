/* Vectors of floats of the processor's width, and the two functions of gates, tanh and the sigmoid.
 *
 * GNU vector types (GCC and Clang) carry the arithmetic; the width alone depends on the processor, so this
 * source compiles to SSE, AVX2, AVX-512 and NEON without a line for any of them.
 */
#pragma once

#include <stddef.h>
#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif

/* Loads and stores need no alignment: rows of a caller's tensors start anywhere. */
typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int ints __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *place) { return *(const vec *)place; }
INLINE void store(float *place, vec value) { *(vec *)place = value; }
INLINE vec all(float value) { return value - (vec){0}; }

/* The first `count` lanes, the rest 0, for the end of a row of a caller's tensor. */
INLINE vec load_some(const float *place, long count)
{
    if (count >= LANES) return load(place);
    vec value = {0};
    memcpy(&value, place, (size_t)count * sizeof(float));
    return value;
}

INLINE void store_some(float *place, vec value, long count)
{
    if (count >= LANES) store(place, value);
    else memcpy(place, &value, (size_t)count * sizeof(float));
}

/* `chosen` where the mask is set, `other` elsewhere. */
INLINE vec choose(ints mask, vec chosen, vec other)
{
    return (vec)((mask & (ints)chosen) | (~mask & (ints)other));
}

/* Intrinsics for x86, where compilers are slow with these vectors: a choice by comparison takes four times the
 * instructions of a minimum and a maximum, which return their second argument for a NaN; and AVX-512's division is
 * slow, while its estimate has 14 correct bits, which one step of Newton's method doubles. */
#if defined(__x86_64__)
#include <immintrin.h>
#if LANES == 16
#define X86(name) _mm512_##name
typedef __m512 native;
#elif LANES == 8
#define X86(name) _mm256_##name
typedef __m256 native;
#else
#define X86(name) _mm_##name
typedef __m128 native;
#endif
#endif

/* x clipped to -limit..limit; a NaN stays a NaN. */
INLINE vec within(vec x, float limit)
{
#if defined(__x86_64__)
    return (vec)X86(max_ps)((native)all(-limit), X86(min_ps)((native)all(limit), (native)x));
#else
    x = choose(x > limit, all(limit), x);
    return choose(x < -limit, all(-limit), x);
#endif
}

/* 1 / q for a finite q well above 0. */
INLINE vec inverse_of(vec q)
{
#if LANES == 16
    const vec estimate = (vec)_mm512_rcp14_ps((__m512)q);
    return estimate * (2.0f - q * estimate);
#else
    return 1.0f / q;
#endif
}

/* tanh as x P(x²) / Q(x²), degrees 11 and 6, on -8..8; beyond, tanh is ±1 in float32.
 *
 * The coefficients minimise the largest relative error (scripts/fit_tanh.py), 2e-8; with the rounding of
 * float32 the result is right to 3.4e-7.
 */
INLINE vec tanh_of(vec x)
{
    x = within(x, 8.0f);
    const vec s = x * x;
    vec p = all(2.35092848e-11f);
    p = p * s + -1.47044847e-08f;
    p = p * s + 9.87874955e-06f;
    p = p * s + 0.0029858721f;
    p = p * s + 0.129792333f;
    p = p * s + 1.0f;
    vec q = all(0.000237204615f);
    q = q * s + 0.024027966f;
    q = q * s + 0.463125497f;
    q = q * s + 1.0f;
    return x * p * inverse_of(q);
}

/* σ(x) = ½ tanh(½ x) + ½ */
INLINE vec sigmoid_of(vec x) { return 0.5f * tanh_of(0.5f * x) + 0.5f; }
