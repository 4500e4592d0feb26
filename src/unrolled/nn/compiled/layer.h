/* One direction of one recurrent layer, described by the caller. All tensors are float32; a NULL pointer
 * stands for zeros, or for a result that is not requested. Letters as in nn/cells/cell.py: B sequences,
 * T steps, F inputs, H units, G gates.
 */
#pragma once

#include <stdint.h>

typedef struct {
    int64_t cell, batch, steps, features, units;
    int64_t shards;    /* parts of the batch; results depend on their number */
    int64_t threads;   /* at most; results do not depend on their number */
    int64_t reverse;   /* read each sequence from its own last step to its first */
    int64_t keep;      /* keep what backward needs */
    int64_t recompute; /* keep less: backward computes the gates again */

    const float *x; /* [B, T, F], rows x_row and steps x_step floats apart */
    int64_t x_row, x_step;
    const int64_t *lengths;                /* [B], each in 1..T */
    const float *W, *U, *b, *b_u, *p;      /* [G·H, F], [G·H, H], [G·H], [H] of a GRU, [3, H] of peepholes */
    const float *initial_h, *initial_c;    /* [B, H] */
    const float *mask;                     /* [B, H], factors of the h that enters the products */

    float *outputs; /* [B, T, H], strided; the padding is not written */
    int64_t outputs_row, outputs_step;
    float *total;             /* [B, H], the sum of a sequence's outputs */
    float *last_h, *last_c;   /* [B, H], the state after a sequence's own last step */

    const float *d_outputs;
    int64_t d_outputs_row, d_outputs_step;
    const float *d_last_h, *d_last_c;
    float *dx;
    int64_t dx_row, dx_step;
    float *dW, *dU, *db, *db_u, *dp, *d_initial_h, *d_initial_c;

    int64_t *plan;    /* B numbers of sequences, the longest first; then shards + 1 places in the workspace */
    float *packed;    /* weights, in the order of the products */
    float *workspace; /* everything else */
} Layer;

/* The exported functions; all others are hidden. */
#define SHOWN __attribute__((visibility("default")))

/* The floats of a vector in this library, and the level of x86-64 of this processor. */
SHOWN int unrolled_lanes(void);
SHOWN int unrolled_level(void);

/* Bytes of a Layer, by which a caller checks its own description of it. */
SHOWN int64_t unrolled_layer_size(void);

/* Floats that `packed` and `workspace` need; the latter also writes the plan's places in the workspace. */
SHOWN int64_t unrolled_packed_size(const Layer *layer);
SHOWN int64_t unrolled_plan(const Layer *layer);

/* Whether `bytes` bytes at two addresses are equal. */
SHOWN int unrolled_same(const void *one, const void *other, int64_t bytes);

SHOWN void unrolled_pack(const Layer *layer);
SHOWN void unrolled_forward(const Layer *layer);
SHOWN void unrolled_backward(const Layer *layer);
