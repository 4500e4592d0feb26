/* Weights in the order in which the products read them, and gradients in the order of the tensors.
 *
 * A step's products have one left-hand side, with a row for each sequence:
 *
 *     [ h | x | 1 | r∘h ]        the last part for a GRU that resets before the product
 *
 * so the weights, with the bias, are one matrix with a row for each of its columns, cut into panels of PANEL columns:
 * the gates of LANES units (of 4 × LANES units for a simple RNN, whose units have one gate), in the order of cells.h.
 */
#pragma once

#include "cells.h"
#include "layer.h"

enum source { FROM_H, FROM_X, FROM_ONE, FROM_RESET };

INLINE long rounded_up(long count, long unit) { return (count + unit - 1) / unit * unit; }

INLINE int is_rnn(const Layer *l) { return l->cell == RNN || l->cell == RELU_RNN; }
INLINE int is_gru(const Layer *l) { return l->cell == GRU || l->cell == GRU_RESET_BEFORE; }
INLINE int is_lstm(const Layer *l) { return l->cell == LSTM || l->cell == PEEPHOLE_LSTM; }

INLINE long unit_vectors(const Layer *l) { return rounded_up(l->units, LANES) / LANES; }
INLINE long panels(const Layer *l) { return is_rnn(l) ? (unit_vectors(l) + WIDE - 1) / WIDE : unit_vectors(l); }

/* Columns of a panel that are used. */
INLINE int columns(const Layer *l, long panel)
{
    if (!is_rnn(l)) return l->cell == GRU_RESET_BEFORE ? 3 : 4;
    const long left = unit_vectors(l) - panel * WIDE;
    return left < WIDE ? (int)left : WIDE;
}

/* The first unit of a column. */
INLINE long first_unit(const Layer *l, long panel, int column)
{
    return (is_rnn(l) ? panel * WIDE + column : panel) * LANES;
}

/* Columns of the left-hand side, and where its parts begin. */
INLINE long depth_of_products(const Layer *l)
{
    return l->units + l->features + 1 + (l->cell == GRU_RESET_BEFORE ? l->units : 0);
}
INLINE long row_of(const Layer *l, enum source source)
{
    const long rows[] = {0, l->units, l->units + l->features, l->units + l->features + 1};
    return rows[source];
}
INLINE long rows_of(const Layer *l, enum source source)
{
    const long rows[] = {l->units, l->features, 1, l->cell == GRU_RESET_BEFORE ? l->units : 0};
    return rows[source];
}

/* The block of W, U and b that a column of a panel belongs to. */
INLINE long gate_of(const Layer *l, int column)
{
    static const int of_gru[] = {2, 0, 1, 2};
    return is_rnn(l) ? 0 : is_gru(l) ? of_gru[column] : column;
}

/* Columns of a panel that a part of the left-hand side contributes to: the first, and their number. */
typedef struct {
    int first, count;
} span;

INLINE span columns_from(const Layer *l, long panel, enum source source)
{
    static const span of_gru[] = {{1, 3}, {0, 3}, {0, 4}, {0, 0}};
    static const span of_reset_before[] = {{1, 2}, {0, 3}, {0, 3}, {0, 1}};
    if (l->cell == GRU) return of_gru[source];
    if (l->cell == GRU_RESET_BEFORE) return of_reset_before[source];
    return (span){0, columns(l, panel)};
}

/* Offset of the weights of a unit's gate in a tensor or its gradient: W and dW, U and dU, … */
INLINE long tensor_offset(const Layer *l, enum source source, int column, long unit)
{
    const long row = gate_of(l, column) * l->units + unit;
    if (source == FROM_X) return row * l->features;
    if (source == FROM_ONE) return l->cell == GRU && column == 3 ? unit : row;
    return row * l->units;
}

INLINE const float *weights_of(const Layer *l, enum source source, int column, long unit)
{
    const float *tensors[] = {l->U, l->W, l->cell == GRU && column == 3 ? l->b_u : l->b, l->U};
    return tensors[source] + tensor_offset(l, source, column, unit);
}

INLINE float *gradients_of(const Layer *l, enum source source, int column, long unit)
{
    float *tensors[] = {l->dU, l->dW, l->cell == GRU && column == 3 ? l->db_u : l->db, l->dU};
    return tensors[source] + tensor_offset(l, source, column, unit);
}

/* Sizes and places of the three packed matrices: for the sums, for dh and for dx. */
INLINE long panel_size(const Layer *l) { return depth_of_products(l) * PANEL; }
INLINE long blocks(long width) { return rounded_up(width, PANEL) / PANEL; }
INLINE long sums_size(const Layer *l) { return panels(l) * panel_size(l); }
INLINE long back_size(const Layer *l, long width) { return blocks(width) * panels(l) * PANEL * PANEL; }

INLINE const float *packed_for_sums(const Layer *l, long panel) { return l->packed + panel * panel_size(l); }
INLINE const float *packed_for_dh(const Layer *l, long block, long panel)
{
    return l->packed + sums_size(l) + (block * panels(l) + panel) * PANEL * PANEL;
}
INLINE const float *packed_for_dx(const Layer *l, long block, long panel)
{
    return packed_for_dh(l, 0, 0) + back_size(l, l->units) + (block * panels(l) + panel) * PANEL * PANEL;
}

/* Packs a panel for the sums: every unit's weights become a column. */
static void pack_panel(const Layer *l, long panel, float *packed)
{
    memset(packed, 0, (size_t)panel_size(l) * sizeof(float));
    for (enum source source = FROM_H; source <= FROM_RESET; source++) {
        const span used = columns_from(l, panel, source);
        float *rows = packed + row_of(l, source) * PANEL;
        const long count = rows_of(l, source);
        for (int column = used.first; column < used.first + used.count; column++)
            for (long lane = 0; lane < LANES; lane++) {
                const long unit = first_unit(l, panel, column) + lane;
                if (unit >= l->units) break;
                const float *weights = weights_of(l, source, column, unit);
                float *place = rows + column * LANES + lane;
                for (long k = 0; k < count; k++) place[k * PANEL] = weights[k];
            }
    }
}

/* Packs a panel for dh or dx: every unit's weights stay a row, cut into blocks of PANEL. */
static void pack_panel_back(const Layer *l, long panel, enum source source, long width, float *packed)
{
    const long block_size = panels(l) * PANEL * PANEL;
    for (int column = 0; column < columns(l, panel); column++) {
        const span used = columns_from(l, panel, source);
        const int reset = source == FROM_H && l->cell == GRU_RESET_BEFORE && column == 0;
        const int enters = reset || (column >= used.first && column < used.first + used.count);
        for (long lane = 0; lane < LANES; lane++) {
            const long unit = first_unit(l, panel, column) + lane;
            const int there = enters && unit < l->units;
            const float *weights = there ? weights_of(l, source, column, unit) : NULL;
            for (long block = 0; block < blocks(width); block++) {
                float *row = packed + block * block_size + (column * LANES + lane) * PANEL;
                const long from = block * PANEL, count = width - from < PANEL ? width - from : PANEL;
                if (there) memcpy(row, weights + from, (size_t)count * sizeof(float));
                else memset(row, 0, (size_t)count * sizeof(float));
                memset(row + count, 0, (size_t)(PANEL - count) * sizeof(float));
            }
        }
    }
}

/* Copies a panel's gradients of the weights to the tensors. */
static void unpack_panel(const Layer *l, long panel, const float *gradients)
{
    for (enum source source = FROM_H; source <= FROM_RESET; source++) {
        const span used = columns_from(l, panel, source);
        const float *rows = gradients + row_of(l, source) * PANEL;
        const long count = rows_of(l, source);
        if (!count) continue;
        for (int column = used.first; column < used.first + used.count; column++)
            for (long lane = 0; lane < LANES; lane++) {
                const long unit = first_unit(l, panel, column) + lane;
                if (unit >= l->units) break;
                float *place = gradients_of(l, source, column, unit);
                const float *found = rows + column * LANES + lane;
                for (long k = 0; k < count; k++) place[k] = found[k * PANEL];
            }
    }
}
