/* The equations of the cells after the matrix products, a vector of units at a time.
 *
 * Letters as in nn/cells/cell.py. The gates of LANES units of one row stand side by side in a panel, column by column:
 *
 *   LSTM, with or without peepholes     i  f  g  o
 *   GRU, reset after the product        n  r  z  u      u = U_n h + b_u, n = W_n x + b_n before its tanh
 *   GRU, reset before the product       n  r  z
 *   simple RNN, tanh or relu            h  h  h  h      of four vectors of units, for they have one gate each
 *
 * `…_forward` turns sums into gates, perhaps in place; `…_backward` turns gates into gradients of the sums. Arguments
 * and results are what goes from step to step: h, the LSTM's c, and their gradients dh and dc.
 */
#pragma once

#include "tiles.h"

enum cell { RNN, RELU_RNN, GRU, GRU_RESET_BEFORE, LSTM, PEEPHOLE_LSTM };

/* Weights of the peepholes of LANES units; zeros for an LSTM without. */
typedef struct {
    vec i, f, o;
} peepholes;

INLINE vec column_of(const float *row, int column) { return load(row + column * LANES); }
INLINE void set_column(float *row, int column, vec value) { store(row + column * LANES, value); }

INLINE vec slope_of_sigmoid(vec value) { return value * (1.0f - value); }
INLINE vec slope_of_tanh(vec value) { return 1.0f - value * value; }

INLINE vec rnn_forward(const float *sums, float *gates, int column)
{
    const vec h = tanh_of(column_of(sums, column));
    set_column(gates, column, h);
    return h;
}

INLINE vec relu_rnn_forward(const float *sums, float *gates, int column)
{
    const vec sum = column_of(sums, column);
    const vec h = choose(sum < 0.0f, all(0.0f), sum);
    set_column(gates, column, h);
    return h;
}

INLINE void rnn_backward(const float *gates, float *sums, int column, vec dh)
{
    set_column(sums, column, dh * slope_of_tanh(column_of(gates, column)));
}

INLINE void relu_rnn_backward(const float *gates, float *sums, int column, vec dh)
{
    set_column(sums, column, choose(column_of(gates, column) > 0.0f, dh, all(0.0f)));
}

INLINE vec gru_forward(const float *sums, float *gates, vec h)
{
    const vec r = sigmoid_of(column_of(sums, 1));
    const vec z = sigmoid_of(column_of(sums, 2));
    const vec u = column_of(sums, 3);
    const vec n = tanh_of(column_of(sums, 0) + r * u);
    set_column(gates, 0, n);
    set_column(gates, 1, r);
    set_column(gates, 2, z);
    set_column(gates, 3, u);
    return n + z * (h - n);
}

/* Returns the part of the former h's gradient that bypasses the products. */
INLINE vec gru_backward(const float *gates, float *sums, vec dh, vec h)
{
    const vec n = column_of(gates, 0), r = column_of(gates, 1), z = column_of(gates, 2), u = column_of(gates, 3);
    const vec dn = dh * (1.0f - z) * slope_of_tanh(n);
    set_column(sums, 0, dn);
    set_column(sums, 1, dn * u * slope_of_sigmoid(r));
    set_column(sums, 2, dh * (h - n) * slope_of_sigmoid(z));
    set_column(sums, 3, dn * r);
    return dh * z;
}

/* First half of a step: r and z; returns r ∘ h, which the product for n needs. */
INLINE vec gru_reset_before_open(const float *sums, float *gates, vec masked_h)
{
    const vec r = sigmoid_of(column_of(sums, 1));
    set_column(gates, 1, r);
    set_column(gates, 2, sigmoid_of(column_of(sums, 2)));
    return r * masked_h;
}

INLINE vec gru_reset_before_close(const float *sums, float *gates, vec h)
{
    const vec n = tanh_of(column_of(sums, 0)), z = column_of(gates, 2);
    set_column(gates, 0, n);
    return n + z * (h - n);
}

/* First half of a backward step: the sums of n and z; the second half needs r. */
INLINE vec gru_reset_before_backward_open(const float *gates, float *sums, vec dh, vec h)
{
    const vec n = column_of(gates, 0), z = column_of(gates, 2);
    set_column(sums, 0, dh * (1.0f - z) * slope_of_tanh(n));
    set_column(sums, 2, dh * (h - n) * slope_of_sigmoid(z));
    return dh * z;
}

/* Second half, from the gradient of r ∘ h: the sum of r; returns this part of the gradient of the masked h. */
INLINE vec gru_reset_before_backward_close(const float *gates, float *sums, vec d_reset, vec masked_h)
{
    const vec r = column_of(gates, 1);
    set_column(sums, 1, d_reset * masked_h * slope_of_sigmoid(r));
    return d_reset * r;
}

/* Replaces the former c by the new one, returns h. */
INLINE vec lstm_forward(const float *sums, float *gates, vec *c, peepholes p)
{
    const vec i = sigmoid_of(column_of(sums, 0) + p.i * *c);
    const vec f = sigmoid_of(column_of(sums, 1) + p.f * *c);
    const vec g = tanh_of(column_of(sums, 2));
    *c = f * *c + i * g;
    const vec o = sigmoid_of(column_of(sums, 3) + p.o * *c);
    set_column(gates, 0, i);
    set_column(gates, 1, f);
    set_column(gates, 2, g);
    set_column(gates, 3, o);
    return o * tanh_of(*c);
}

/* Replaces the gradient of the new c by that of the former one. */
INLINE void lstm_backward(const float *gates, float *sums, vec dh, vec *dc, vec c_before, vec c, peepholes p)
{
    const vec i = column_of(gates, 0), f = column_of(gates, 1), g = column_of(gates, 2), o = column_of(gates, 3);
    const vec t = tanh_of(c);
    const vec d_o = dh * t * slope_of_sigmoid(o);
    const vec d_c = *dc + dh * o * slope_of_tanh(t) + d_o * p.o;
    const vec d_i = d_c * g * slope_of_sigmoid(i);
    const vec d_f = d_c * c_before * slope_of_sigmoid(f);
    set_column(sums, 0, d_i);
    set_column(sums, 1, d_f);
    set_column(sums, 2, d_c * i * slope_of_tanh(g));
    set_column(sums, 3, d_o);
    *dc = d_c * f + d_i * p.i + d_f * p.f;
}
