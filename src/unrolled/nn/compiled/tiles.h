/* The matrix product C += A P, a tile of C at a time, held in registers.
 *
 *   C  [rows, vectors × LANES]   read, added to, written; rows lie `c_row` floats apart
 *   A  [rows, depth]             elements `a_row` and `a_depth` floats apart, so that a transpose costs nothing
 *   P  [depth, vectors × LANES]  rows lie `p_depth` apart; packed so that a tile's columns are neighbours
 *
 * A tile is as tall as the registers allow: ROWS × 4 sums, ROWS elements of A, one vector of P.
 */
#pragma once

#include "vectors.h"

/* Column vectors of a tile, and of a panel of packed weights. */
#define WIDE 4
#define PANEL (WIDE * LANES)

/* 32 registers hold 6 × 4 sums, 6 elements and a vector; 16 hold 3 × 4, 3 and 1. */
#if LANES == 16 || defined(__aarch64__)
#define ROWS 6
#else
#define ROWS 3
#endif

/* Depth of P that stays in the nearest cache while all rows of A use it: 80 × 64 floats are 20 kB. */
#ifndef DEPTH
#define DEPTH 80
#endif

typedef void Tile(const float *a, long a_row, long a_depth, const float *p, long p_depth, float *c, long c_row,
                  long depth);

/* Loops of a known, small length are unrolled, so that every sum has a register. The elements of A are broadcast first,
 * and each vector of P is then used by all of them: in the other order compilers run out of registers, and the product
 * takes 1.6 times as long. */
#define EACH(index, count) _Pragma("GCC unroll 8") for (int index = 0; index < count; index++)

#define DEFINE_TILE(M, N)                                                                                          \
    static void tile_##M##_##N(const float *a, long a_row, long a_depth, const float *p, long p_depth, float *c,   \
                               long c_row, long depth)                                                             \
    {                                                                                                              \
        vec sum[M][N];                                                                                             \
        EACH(m, M) EACH(n, N) sum[m][n] = load(c + m * c_row + n * LANES);                                         \
        for (long k = 0; k < depth; k++) {                                                                         \
            vec element[M];                                                                                        \
            EACH(m, M) element[m] = all(a[m * a_row]);                                                             \
            EACH(n, N)                                                                                             \
            {                                                                                                      \
                const vec column = load(p + n * LANES);                                                            \
                EACH(m, M) sum[m][n] += element[m] * column;                                                       \
            }                                                                                                      \
            a += a_depth;                                                                                          \
            p += p_depth;                                                                                          \
        }                                                                                                          \
        EACH(m, M) EACH(n, N) store(c + m * c_row + n * LANES, sum[m][n]);                                         \
    }
#define DEFINE_TILES(M) DEFINE_TILE(M, 1) DEFINE_TILE(M, 2) DEFINE_TILE(M, 3) DEFINE_TILE(M, 4)
#define TILES(M) {tile_##M##_1, tile_##M##_2, tile_##M##_3, tile_##M##_4}

DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(3)
#if ROWS == 6
DEFINE_TILES(4)
DEFINE_TILES(5)
DEFINE_TILES(6)
#endif

static Tile *const tiles[ROWS][WIDE] = {
    TILES(1), TILES(2), TILES(3),
#if ROWS == 6
    TILES(4), TILES(5), TILES(6),
#endif
};

/* C += A P and D += A Q for a single row: the sums of one product alone would wait for each other. Each sum is added up in
 * the order of a tile's. */
#define DEFINE_PAIR(N)                                                                                             \
    static void pair_##N(const float *a, const float *p, const float *q, float *c, float *d, long depth)           \
    {                                                                                                              \
        vec sum[2][N];                                                                                             \
        EACH(n, N) sum[0][n] = load(c + n * LANES);                                                                \
        EACH(n, N) sum[1][n] = load(d + n * LANES);                                                                \
        for (long k = 0; k < depth; k++) {                                                                         \
            const vec element = all(a[k]);                                                                         \
            EACH(n, N) sum[0][n] += element * load(p + n * LANES);                                                 \
            EACH(n, N) sum[1][n] += element * load(q + n * LANES);                                                 \
            p += PANEL;                                                                                            \
            q += PANEL;                                                                                            \
        }                                                                                                          \
        EACH(n, N) store(c + n * LANES, sum[0][n]);                                                                \
        EACH(n, N) store(d + n * LANES, sum[1][n]);                                                                \
    }
DEFINE_PAIR(1)
DEFINE_PAIR(2)
DEFINE_PAIR(3)
DEFINE_PAIR(4)

typedef void Pair(const float *a, const float *p, const float *q, float *c, float *d, long depth);
static Pair *const pairs[WIDE] = {pair_1, pair_2, pair_3, pair_4};

/* Memory that is needed next: before each tile a few of its cache lines are prefetched, which arrive while the tile
 * computes. Its bytes are neither read nor written. */
typedef struct {
    const char *next, *end;
} prefetch;

#define LINE 64
#define LINES_A_TILE 12 /* fewer than the processor can have in flight */

INLINE prefetch prefetch_range(const float *from, const float *to)
{
    return (prefetch){(const char *)from, (const char *)to};
}

INLINE void prefetch_some(prefetch *upcoming)
{
    if (upcoming->next >= upcoming->end) return;
    for (int line = 0; line < LINES_A_TILE; line++) __builtin_prefetch(upcoming->next + line * LINE, 0, 2);
    upcoming->next += LINES_A_TILE * LINE;
}

/* C += A P. The rows are divided evenly: 8 are two tiles of 4, not one of 6 and one of 2, whose few sums would wait for
 * each other. */
static void product(long rows, int vectors, long depth, const float *a, long a_row, long a_depth, const float *p,
                    long p_depth, float *c, long c_row, prefetch *upcoming)
{
    const long count = (rows + ROWS - 1) / ROWS;
    long row = 0;
    for (long index = 0; index < count; index++) {
        const long height = (rows - row + count - index - 1) / (count - index);
        prefetch_some(upcoming);
        tiles[height - 1][vectors - 1](a + row * a_row, a_row, a_depth, p, p_depth, c + row * c_row, c_row, depth);
        row += height;
    }
}

/* C += A P for any depth, in cuts of the depth, so that each cut of P is loaded once for all rows. */
static void deep_product(long rows, int vectors, long depth, const float *a, long a_row, long a_depth, const float *p,
                         long p_depth, float *c, long c_row, prefetch *upcoming)
{
    const long cuts = (depth + DEPTH - 1) / DEPTH;
    long done = 0;
    for (long index = 0; index < cuts; index++) {
        const long now = (depth - done + cuts - index - 1) / (cuts - index);
        product(rows, vectors, now, a + done * a_depth, a_row, a_depth, p + done * p_depth, p_depth, c, c_row,
                upcoming);
        done += now;
    }
}
