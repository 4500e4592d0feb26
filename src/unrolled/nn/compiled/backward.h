/* All steps of a shard, from the last to the first: gradients of states, inputs and weights. */
#pragma once

#include "forward.h"

/* The gradients of a step's h: from the step after it, and from its outputs. */
typedef struct {
    const Shard *s;
    float *dh;
    long step, units;
    int from_outputs; /* the outputs of steps have gradients */
} h_gradients;

INLINE h_gradients h_gradients_at(const Shard *s, long step)
{
    return (h_gradients){s, s->dh, step, s->units, s->l->d_outputs != NULL};
}

static vec output_gradient(const Shard *s, long step, long row, long unit)
{
    const Layer *l = s->l;
    const float *d = l->d_outputs + sequence(s, row) * l->d_outputs_row + own_step(s, row, step) * l->d_outputs_step;
    return load_some(d + unit, l->units - unit);
}

INLINE vec gradient_of_h(const h_gradients *gradients, long row, long unit)
{
    vec dh = load(gradients->dh + row * gradients->units + unit);
    if (gradients->from_outputs) dh += output_gradient(gradients->s, gradients->step, row, unit);
    return dh;
}

/* Stores the part of dh of the step before that bypasses the products; they add theirs later. */
INLINE void begin_dh(const h_gradients *gradients, long row, long unit, vec direct)
{
    store(gradients->dh + row * gradients->units + unit, direct);
}

static void lstm_panel_backward(const Shard *s, long step, long panel)
{
    const long unit = panel * LANES, units = s->units, rows = s->active[step];
    const peepholes p = peepholes_of(s, unit);
    const h_gradients gradients = h_gradients_at(s, step);
    const int peeping = s->l->cell == PEEPHOLE_LSTM;
    const float *gates = gates_at(s, panel, step);
    float *d_sums = d_sums_at(s, panel, step), *d_carry = s->dc + unit;
    const float *before = carry_before(s, step) + unit, *after = carry_after(s, step) + unit;
    vec d_i = {0}, d_f = {0}, d_o = {0};
    for (long row = 0; row < rows; row++) {
        const long at = row * units;
        float *place = d_sums + row * PANEL;
        vec dc = load(d_carry + at);
        const vec c_before = load(before + at), c = load(after + at);
        lstm_backward(gates + row * PANEL, place, gradient_of_h(&gradients, row, unit), &dc, c_before, c, p);
        store(d_carry + at, dc);
        begin_dh(&gradients, row, unit, all(0.0f));
        if (!peeping) continue;
        d_i += column_of(place, 0) * c_before;
        d_f += column_of(place, 1) * c_before;
        d_o += column_of(place, 3) * c;
    }
    if (!peeping) return;
    float *found = s->d_peepholes + unit;
    store(found, load(found) + d_i);
    store(found + units, load(found + units) + d_f);
    store(found + 2 * units, load(found + 2 * units) + d_o);
}

static void gru_panel_backward(const Shard *s, long step, long panel)
{
    const long unit = panel * LANES, units = s->units, rows = s->active[step];
    const int reset_before = s->l->cell == GRU_RESET_BEFORE;
    const h_gradients gradients = h_gradients_at(s, step);
    const float *gates = gates_at(s, panel, step), *before = carry_before(s, step) + unit;
    float *d_sums = d_sums_at(s, panel, step);
    for (long row = 0; row < rows; row++) {
        const float *gate = gates + row * PANEL;
        float *place = d_sums + row * PANEL;
        const vec h = load(before + row * units), dh = gradient_of_h(&gradients, row, unit);
        begin_dh(&gradients, row, unit,
                 reset_before ? gru_reset_before_backward_open(gate, place, dh, h) : gru_backward(gate, place, dh, h));
    }
}

static void rnn_panel_backward(const Shard *s, long step, long panel)
{
    const long rows = s->active[step];
    const int relu = s->l->cell == RELU_RNN;
    const h_gradients gradients = h_gradients_at(s, step);
    const float *gates = gates_at(s, panel, step);
    float *d_sums = d_sums_at(s, panel, step);
    for (int column = 0; column < columns(s->l, panel); column++) {
        const long unit = first_unit(s->l, panel, column);
        for (long row = 0; row < rows; row++) {
            const vec dh = gradient_of_h(&gradients, row, unit);
            if (relu) relu_rnn_backward(gates + row * PANEL, d_sums + row * PANEL, column, dh);
            else rnn_backward(gates + row * PANEL, d_sums + row * PANEL, column, dh);
            begin_dh(&gradients, row, unit, all(0.0f));
        }
    }
}

/* rows += (gradients of the sums, some columns of each panel) × weights */
static void add_products_back(const Shard *s, long step, span used, const float *packed, long width, float *rows,
                              long row_size, prefetch *upcoming)
{
    const long count = panels(s->l);
    for (long block = 0; block < blocks(width); block++) {
        const long left = (width - block * PANEL + LANES - 1) / LANES;
        for (long panel = 0; panel < count; panel++) {
            const int there = columns(s->l, panel) - used.first;
            const int depth = there < used.count ? there : used.count;
            product(s->active[step], left < WIDE ? (int)left : WIDE, depth * LANES,
                    d_sums_at(s, panel, step) + used.first * LANES, PANEL, 1,
                    packed + ((block * count + panel) * PANEL + used.first * LANES) * PANEL, PANEL,
                    rows + block * PANEL, row_size, upcoming);
        }
    }
}

/* Second half of a backward step through a GRU that resets before the product. */
static void reset_gru_backward(const Shard *s, long step)
{
    const Layer *l = s->l;
    memset(s->dm, 0, (size_t)(s->active[step] * s->units) * sizeof(float));
    prefetch nothing = {0};
    add_products_back(s, step, (span){0, 1}, packed_for_dh(l, 0, 0), l->units, s->dm, s->units, &nothing);
    for (long panel = 0; panel < panels(l); panel++) {
        const long unit = panel * LANES;
        for (long row = 0; row < s->active[step]; row++) {
            float *d_reset = s->dm + row * s->units + unit;
            const float *masked_h = inputs_at(s, step) + row * s->width + unit;
            store(d_reset, gru_reset_before_backward_close(
                               gates_at(s, panel, step) + row * PANEL, d_sums_at(s, panel, step) + row * PANEL,
                               load(d_reset), load_some(masked_h, l->units - unit)));
        }
    }
}

/* dh of the step before, through the products and the mask; the gates of that step are prefetched meanwhile. */
static void state_backward(const Shard *s, long step)
{
    const Layer *l = s->l;
    const span used = columns_from(l, 0, FROM_H);
    const int by_way = l->mask || l->cell == GRU_RESET_BEFORE;
    if (l->mask && l->cell != GRU_RESET_BEFORE)
        memset(s->dm, 0, (size_t)(s->active[step] * s->units) * sizeof(float));
    const int kept = step > 0 && !l->recompute;
    prefetch upcoming = kept ? prefetch_range(gates_of(s, step - 1), gates_of(s, step)) : (prefetch){0};
    add_products_back(s, step, used, packed_for_dh(l, 0, 0), l->units, by_way ? s->dm : s->dh, s->units, &upcoming);
    if (!by_way) return;
    for (long place = 0; place < s->active[step] * s->units; place += LANES) {
        vec found = load(s->dm + place);
        if (l->mask) found *= load(s->masks + place);
        store(s->dh + place, load(s->dh + place) + found);
    }
}

static void inputs_backward(const Shard *s, long step)
{
    const Layer *l = s->l;
    const long width = blocks(l->features) * PANEL;
    memset(s->dx, 0, (size_t)(s->active[step] * width) * sizeof(float));
    prefetch nothing = {0};
    add_products_back(s, step, columns_from(l, 0, FROM_X), packed_for_dx(l, 0, 0), l->features, s->dx, width, &nothing);
    for (long row = 0; row < s->active[step]; row++) {
        float *place = l->dx + sequence(s, row) * l->dx_row + own_step(s, row, step) * l->dx_step;
        memcpy(place, s->dx + row * width, (size_t)l->features * sizeof(float));
    }
}

static void step_backward(const Shard *s, long step)
{
    const Layer *l = s->l;
    for (long panel = 0; panel < panels(l); panel++) {
        if (is_rnn(l)) rnn_panel_backward(s, step, panel);
        else if (is_gru(l)) gru_panel_backward(s, step, panel);
        else lstm_panel_backward(s, step, panel);
    }
    if (l->cell == GRU_RESET_BEFORE) reset_gru_backward(s, step);
    state_backward(s, step);
    if (l->dx) inputs_backward(s, step);
}

/* Gradients of the weights, from the rows of a few steps: inputs transposed × gradients of the sums. */
static void weights_backward(const Shard *s, long from_step, long to_step)
{
    const Layer *l = s->l;
    const long count = s->first[to_step] - s->first[from_step];
    const float *inputs = inputs_at(s, from_step);
    prefetch nothing = {0};
    for (long panel = 0; panel < panels(l); panel++) {
        const float *gradients = d_sums_at(s, panel, from_step);
        float *found = s->d_weights + panel * panel_size(l);
        for (enum source source = FROM_H; source <= FROM_RESET; source++) {
            const span used = columns_from(l, panel, source);
            const long row = row_of(l, source), rows = is_gru(l) ? rows_of(l, source) : depth_of_products(l);
            product(rows, used.count, count, inputs + row, 1, s->width, gradients + used.first * LANES, PANEL,
                    found + row * PANEL + used.first * LANES, PANEL, &nothing);
            if (!is_gru(l)) break; /* h, x and 1 enter the same columns: one product */
        }
    }
}

static void recompute_gates(Shard *s, long from_step, long to_step)
{
    s->recomputing = 1;
    s->gates_from = s->first[from_step];
    for (long step = from_step; step < to_step; step++) compute_gates(s, step);
}

static void backward_shard(const void *layer, int64_t shard)
{
    const Layer *l = layer;
    const unsigned long mode = flush_denormals();
    Shard s;
    open_shard(&s, l, shard);
    gather(&s, l->d_last_h, s.dh);
    if (is_lstm(l)) gather(&s, l->d_last_c, s.dc);
    memset(s.d_weights, 0, (size_t)(panels(l) * panel_size(l)) * sizeof(float));
    memset(s.d_peepholes, 0, (size_t)(3 * s.units) * sizeof(float));
    for (long to_step = s.steps; to_step > 0;) {
        long from_step = to_step - 1;
        while (from_step > 0 && s.first[to_step] - s.first[from_step] < WAITING_ROWS) from_step--;
        s.d_sums_from = s.first[from_step];
        if (l->recompute) recompute_gates(&s, from_step, to_step);
        for (long step = to_step - 1; step >= from_step; step--) step_backward(&s, step);
        weights_backward(&s, from_step, to_step);
        to_step = from_step;
    }
    scatter(&s, s.dh, l->d_initial_h);
    if (is_lstm(l)) scatter(&s, s.dc, l->d_initial_c);
    restore_denormals(mode);
}
