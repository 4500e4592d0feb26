/* Vectors of floats, as wide as the processor has them, and the two functions that every gate needs.
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

/* The first `count` lanes, the rest 0: for the end of a row that belongs to the caller. */
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

/* 1 / q for a finite q well above 0. AVX-512's division is slow, and its estimate good to 14 bits, which one step of
 * Newton's method doubles. */
#if LANES == 16
#include <immintrin.h>
INLINE vec inverse_of(vec q)
{
    const vec estimate = (vec)_mm512_rcp14_ps((__m512)q);
    return estimate * (2.0f - q * estimate);
}
#else
INLINE vec inverse_of(vec q) { return 1.0f / q; }
#endif

/* tanh as x P(x²) / Q(x²), degrees 11 and 6, on -8..8, beyond which float32 has no more to tell.
 *
 * The coefficients minimise the largest relative error (scripts/fit_tanh.py), 2e-8; with the rounding of
 * float32 the result is right to 3.4e-7. A NaN fails both comparisons and goes through.
 */
INLINE vec tanh_of(vec x)
{
    const vec limit = all(8.0f);
    x = choose(x > limit, limit, x);
    x = choose(x < -limit, -limit, x);
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
