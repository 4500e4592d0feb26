/* `Shard`: a part of the batch, and its memory in the workspace.
 *
 * The batch is cut into shards. A shard runs all its steps without waiting for another; the weights' gradients of all
 * shards are added at the end, in the order of their numbers. So results depend on the number of shards, which the
 * sizes determine, and not on the threads.
 *
 * In a shard the longest sequences come first: at every step those that still run are the first rows, and a sequence
 * that has ended costs nothing. The rows of all steps are contiguous; those of step s begin at `first[s]`.
 */
#pragma once

#include "packing.h"

/* Rows of gradients that are collected before they are multiplied with the inputs: enough to make up for the loads and
 * stores of the product, few enough to stay in the second-level cache. */
#ifndef WAITING_ROWS
#define WAITING_ROWS 64
#endif

typedef struct {
    const Layer *l;
    long rows, steps, index;
    int64_t *active; /* [steps + 1]: rows that are still running; 0 at the end */
    int64_t *first;  /* [steps + 1]: rows of all steps before */

    float *inputs;      /* [h | x | 1 | r∘h] of each row, `width` floats apart */
    long width;
    float *sums;        /* of one panel and step, [rows, PANEL], in the nearest cache; or of two, of a single row */
    float *gates;       /* of each step [panels, rows of the step, PANEL], from row `gates_from` on */
    long gate_size;     /* of a row: panels × PANEL */
    long gates_from;
    float *carry;       /* the state that is not among the inputs: c of an LSTM, h of a GRU */
    float *first_carry; /* the same before the first step */
    long units;         /* H rounded up to whole vectors: the width of carry, masks and gradients of states */
    float *masks, *peepholes;
    float *dh, *dc, *dm, *dx; /* gradients of h, of c, of the masked h, and of the inputs, a row a sequence */
    float *d_sums;            /* gradients of the sums, [panels, waiting, PANEL], from row `d_sums_from` on */
    long waiting, d_sums_from;
    float *d_weights, *d_peepholes;
    int recomputing; /* computing gates again: no results are written */
} Shard;

INLINE int has_carry(const Layer *l) { return !is_rnn(l); }
INLINE long rows_in_shard(const Layer *l, long shard) { return (l->batch - shard + l->shards - 1) / l->shards; }
INLINE long sequence(const Shard *s, long row) { return s->l->plan[s->index + row * s->l->shards]; }
INLINE long length(const Shard *s, long row) { return s->l->lengths[sequence(s, row)]; }

/* Reserves memory in the workspace; with a base of NULL it only counts. */
static float *claim(float **next, long count, long *sum)
{
    float *place = *next;
    count = rounded_up(count, 16);
    if (place) *next += count;
    *sum += count;
    return place;
}

static long lay_out(Shard *s, const Layer *l, long shard, float *base)
{
    long sum = 0, total = 0;
    float *next = base;
    *s = (Shard){.l = l, .index = shard, .rows = rows_in_shard(l, shard)};
    s->steps = length(s, 0);
    for (long row = 0; row < s->rows; row++) total += length(s, row);
    const int kept = l->keep && !l->recompute;
    const long panel_count = panels(l);
    s->units = unit_vectors(l) * LANES;
    s->width = rounded_up(depth_of_products(l) + LANES, 16);
    if (s->width % 256 == 0) s->width += 16; /* rows a power of two apart would share a few sets of the cache */
    s->waiting = WAITING_ROWS + s->rows;
    s->gate_size = panel_count * PANEL;
    const long gate_rows = kept ? total : l->recompute ? s->waiting : s->rows;
    const long carried = has_carry(l) ? s->units : 0, backward = l->keep ? s->rows * s->units : 0;

    s->active = (int64_t *)claim(&next, 2 * (s->steps + 1), &sum);
    s->first = (int64_t *)claim(&next, 2 * (s->steps + 1), &sum);
    s->inputs = claim(&next, (l->keep ? total : 2 * s->rows) * s->width, &sum);
    s->sums = claim(&next, (s->rows + 1) * PANEL, &sum); /* of a single row, two panels */
    s->gates = claim(&next, gate_rows * s->gate_size, &sum);
    s->first_carry = claim(&next, s->rows * carried, &sum);
    s->carry = claim(&next, l->keep ? total * carried : s->rows * carried, &sum);
    if (!l->keep) s->carry = s->first_carry; /* in place */
    s->masks = claim(&next, l->mask ? s->rows * s->units : 0, &sum);
    s->peepholes = claim(&next, 3 * s->units, &sum);
    s->dh = claim(&next, backward, &sum);
    s->dc = claim(&next, is_lstm(l) ? backward : 0, &sum);
    s->dm = claim(&next, l->mask || l->cell == GRU_RESET_BEFORE ? backward : 0, &sum);
    s->dx = claim(&next, l->keep ? s->rows * blocks(l->features) * PANEL : 0, &sum);
    s->d_sums = claim(&next, l->keep ? panel_count * s->waiting * PANEL : 0, &sum);
    s->d_weights = claim(&next, l->keep ? panel_count * panel_size(l) : 0, &sum);
    s->d_peepholes = claim(&next, l->keep ? 3 * s->units : 0, &sum);
    return sum;
}

static void open_shard(Shard *s, const Layer *l, long shard)
{
    lay_out(s, l, shard, l->workspace + l->plan[l->batch + shard]);
}

/* Counts the rows that run at each step, and those before them. */
static void count_rows(Shard *s)
{
    long row = s->rows, sum = 0;
    for (long step = 0; step <= s->steps; step++) {
        while (row > 0 && length(s, row - 1) <= step) row--;
        s->active[step] = row;
        s->first[step] = sum;
        sum += row;
    }
}

INLINE float *inputs_at(const Shard *s, long step)
{
    return s->inputs + (s->l->keep ? s->first[step] : (step & 1) * s->rows) * s->width;
}
INLINE float *gates_of(const Shard *s, long step) { return s->gates + (s->first[step] - s->gates_from) * s->gate_size; }
INLINE float *gates_at(const Shard *s, long panel, long step)
{
    return gates_of(s, step) + panel * s->active[step] * PANEL;
}
/* Destination of a panel's sums: a buffer in the nearest cache, or the gates where a second product follows. */
INLINE float *sums_at(const Shard *s, long panel, long step)
{
    return s->l->cell == GRU_RESET_BEFORE ? gates_at(s, panel, step) : s->sums;
}
INLINE float *d_sums_at(const Shard *s, long panel, long step)
{
    return s->d_sums + (panel * s->waiting + s->first[step] - s->d_sums_from) * PANEL;
}
INLINE float *carry_after(const Shard *s, long step)
{
    return s->carry + (s->l->keep ? s->first[step] * s->units : 0);
}
INLINE float *carry_before(const Shard *s, long step) { return step ? carry_after(s, step - 1) : s->first_carry; }

/* The step of a sequence, which the backward direction counts from its end. */
INLINE long own_step(const Shard *s, long row, long step) { return s->l->reverse ? length(s, row) - 1 - step : step; }

/* Rows of a caller's [B, H] tensor into the shard's order and width; zeros for NULL. */
static void gather(const Shard *s, const float *tensor, float *rows)
{
    const size_t units = (size_t)s->l->units;
    memset(rows, 0, (size_t)(s->rows * s->units) * sizeof(float));
    if (!tensor) return;
    for (long row = 0; row < s->rows; row++)
        memcpy(rows + row * s->units, tensor + sequence(s, row) * s->l->units, units * sizeof(float));
}

static void scatter(const Shard *s, const float *rows, float *tensor)
{
    const size_t units = (size_t)s->l->units;
    if (!tensor) return;
    for (long row = 0; row < s->rows; row++)
        memcpy(tensor + sequence(s, row) * s->l->units, rows + row * s->units, units * sizeof(float));
}
