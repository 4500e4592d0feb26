/* All steps of a shard, from the first to the last. */
#pragma once

#include "denormals.h"
#include "shard.h"

static void add_products(const Shard *s, long step, long panel, enum source source, prefetch *upcoming)
{
    const Layer *l = s->l;
    const span used = columns_from(l, panel, source);
    long row = row_of(l, source), depth = rows_of(l, source);
    if (!is_gru(l) && source == FROM_H) depth += l->features; /* h and x enter the same columns: one product */
    deep_product(s->active[step], used.count, depth, inputs_at(s, step) + row, s->width, 1,
                 packed_for_sums(l, panel) + row * PANEL + used.first * LANES, PANEL,
                 sums_at(s, panel, step) + used.first * LANES, PANEL, upcoming);
}

/* The sums of a panel's gates, except those that need r ∘ h; the destination of the gates is prefetched meanwhile. */
static void sum_gates(const Shard *s, long step, long panel)
{
    const float *bias = packed_for_sums(s->l, panel) + row_of(s->l, FROM_ONE) * PANEL;
    float *sums = sums_at(s, panel, step), *gates = gates_at(s, panel, step);
    prefetch upcoming = prefetch_range(gates, gates + s->active[step] * PANEL);
    for (long row = 0; row < s->active[step]; row++) memcpy(sums + row * PANEL, bias, PANEL * sizeof(float));
    add_products(s, step, panel, FROM_H, &upcoming);
    if (is_gru(s->l)) add_products(s, step, panel, FROM_X, &upcoming);
}

/* `sum_gates` of two panels of a single row, whose weights enter the same columns. */
static void sum_gates_of_two(const Shard *s, long step, long panel)
{
    const Layer *l = s->l;
    const float *one = packed_for_sums(l, panel), *two = packed_for_sums(l, panel + 1);
    float *sums = s->sums, *others = s->sums + PANEL;
    memcpy(sums, one + row_of(l, FROM_ONE) * PANEL, PANEL * sizeof(float));
    memcpy(others, two + row_of(l, FROM_ONE) * PANEL, PANEL * sizeof(float));
    for (enum source source = FROM_H; source <= (is_gru(l) ? FROM_X : FROM_H); source++) {
        const span used = columns_from(l, panel, source);
        const long row = row_of(l, source), place = row * PANEL + used.first * LANES, column = used.first * LANES;
        const long depth = rows_of(l, source) + (is_gru(l) ? 0 : l->features);
        pairs[used.count - 1](inputs_at(s, step) + row, one + place, two + place, sums + column, others + column, depth);
    }
}

/* The destinations of a step's h, read once a panel: a vector may alias anything, so a compiler would read them again
 * for every row. */
typedef struct {
    const Shard *s;
    long step, running, width, units;
    float *next;       /* inputs of the next step, for the rows that continue */
    const float *mask; /* factors of that h, or NULL */
    int wants_outputs, recomputing;  /* all outputs or their total are requested; nothing is written */
} h_target;

INLINE h_target h_target_of(const Shard *s, long step)
{
    const Layer *l = s->l;
    const long running = s->active[step + 1];
    float *next = running ? inputs_at(s, step + 1) : NULL;
    return (h_target){s,    step, running, s->width, s->units, next, l->mask ? s->masks : NULL,
                    l->outputs || l->total, s->recomputing};
}

static void write_output(const Shard *s, long step, long row, long unit, vec h)
{
    const Layer *l = s->l;
    const long count = l->units - unit;
    if (l->outputs) {
        float *place = l->outputs + sequence(s, row) * l->outputs_row + own_step(s, row, step) * l->outputs_step;
        store_some(place + unit, h, count);
    }
    if (l->total) {
        float *place = l->total + sequence(s, row) * l->units + unit;
        store_some(place, load_some(place, count) + h, count);
    }
}

static void write_last(const Shard *s, float *tensor, long row, long unit, vec value)
{
    store_some(tensor + sequence(s, row) * s->l->units + unit, value, s->l->units - unit);
}

/* Writes h of one row to the next step or to the final state, and to the outputs. */
INLINE void write_h(const h_target *target, long row, long unit, vec h)
{
    if (target->recomputing) return;
    if (target->wants_outputs) write_output(target->s, target->step, row, unit, h);
    if (row >= target->running) {
        write_last(target->s, target->s->l->last_h, row, unit, h);
        return;
    }
    if (target->mask) h *= load(target->mask + row * target->units + unit);
    store(target->next + row * target->width + unit, h);
}

INLINE void write_c(const h_target *target, long row, long unit, vec c)
{
    if (!target->recomputing && row >= target->running) write_last(target->s, target->s->l->last_c, row, unit, c);
}

INLINE peepholes peepholes_of(const Shard *s, long unit)
{
    const float *p = s->peepholes + unit;
    return (peepholes){load(p), load(p + s->units), load(p + 2 * s->units)};
}

static void finish_lstm(const Shard *s, long step, long panel, const float *sums)
{
    const long unit = panel * LANES, units = s->units, rows = s->active[step];
    const peepholes p = peepholes_of(s, unit);
    const h_target target = h_target_of(s, step);
    float *gates = gates_at(s, panel, step), *after = carry_after(s, step) + unit;
    const float *before = carry_before(s, step) + unit;
    for (long row = 0; row < rows; row++) {
        vec c = load(before + row * units);
        const vec h = lstm_forward(sums + row * PANEL, gates + row * PANEL, &c, p);
        store(after + row * units, c);
        write_h(&target, row, unit, h);
        write_c(&target, row, unit, c);
    }
}

static void finish_gru(const Shard *s, long step, long panel, const float *sums)
{
    const long unit = panel * LANES, units = s->units, rows = s->active[step];
    const int reset_before = s->l->cell == GRU_RESET_BEFORE;
    const h_target target = h_target_of(s, step);
    float *gates = gates_at(s, panel, step), *after = carry_after(s, step) + unit;
    const float *before = carry_before(s, step) + unit;
    for (long row = 0; row < rows; row++) {
        const float *sum = sums + row * PANEL;
        float *place = gates + row * PANEL;
        const vec former = load(before + row * units);
        const vec h = reset_before ? gru_reset_before_close(sum, place, former) : gru_forward(sum, place, former);
        store(after + row * units, h);
        write_h(&target, row, unit, h);
    }
}

static void reset_gru(const Shard *s, long step, long panel)
{
    const long unit = panel * LANES;
    float *gates = gates_at(s, panel, step), *inputs = inputs_at(s, step) + unit;
    const long reset = row_of(s->l, FROM_RESET);
    for (long row = 0; row < s->active[step]; row++) {
        float *place = inputs + row * s->width, *both = gates + row * PANEL;
        const vec masked_h = load_some(place, s->l->units - unit); /* x follows the last unit */
        store(place + reset, gru_reset_before_open(both, both, masked_h));
    }
}

static void finish_rnn(const Shard *s, long step, long panel, const float *sums)
{
    const long rows = s->active[step];
    const int relu = s->l->cell == RELU_RNN;
    const h_target target = h_target_of(s, step);
    float *gates = gates_at(s, panel, step);
    for (int column = 0; column < columns(s->l, panel); column++) {
        const long unit = first_unit(s->l, panel, column);
        for (long row = 0; row < rows; row++) {
            const float *sum = sums + row * PANEL;
            float *place = gates + row * PANEL;
            write_h(&target, row, unit, relu ? relu_rnn_forward(sum, place, column) : rnn_forward(sum, place, column));
        }
    }
}

static void finish_panel(const Shard *s, long step, long panel, const float *sums)
{
    if (is_rnn(s->l)) finish_rnn(s, step, panel, sums);
    else if (is_gru(s->l)) finish_gru(s, step, panel, sums);
    else finish_lstm(s, step, panel, sums);
}

static void compute_gates(const Shard *s, long step)
{
    const long count = panels(s->l);
    if (s->l->cell != GRU_RESET_BEFORE) {
        long panel = 0;
        for (; s->active[step] == 1 && panel + 1 < count; panel += 2) {
            if (columns(s->l, panel) != columns(s->l, panel + 1)) break;
            sum_gates_of_two(s, step, panel);
            finish_panel(s, step, panel, s->sums);
            finish_panel(s, step, panel + 1, s->sums + PANEL);
        }
        for (; panel < count; panel++) {
            sum_gates(s, step, panel);
            finish_panel(s, step, panel, sums_at(s, panel, step));
        }
        return;
    }
    for (long panel = 0; panel < count; panel++) { /* every n needs r ∘ h of all units */
        sum_gates(s, step, panel);
        reset_gru(s, step, panel);
    }
    prefetch nothing = {0};
    for (long panel = 0; panel < count; panel++) {
        add_products(s, step, panel, FROM_RESET, &nothing);
        finish_panel(s, step, panel, sums_at(s, panel, step));
    }
}

static void take_inputs(const Shard *s, long step)
{
    const Layer *l = s->l;
    float *inputs = inputs_at(s, step) + l->units;
    for (long row = 0; row < s->active[step]; row++) {
        const float *x = l->x + sequence(s, row) * l->x_row + own_step(s, row, step) * l->x_step;
        memcpy(inputs + row * s->width, x, (size_t)l->features * sizeof(float));
        inputs[row * s->width + l->features] = 1.0f;
    }
}

static void begin(Shard *s)
{
    const Layer *l = s->l;
    count_rows(s);
    memset(s->peepholes, 0, (size_t)(3 * s->units) * sizeof(float));
    for (long gate = 0; l->p && gate < 3; gate++)
        memcpy(s->peepholes + gate * s->units, l->p + gate * l->units, (size_t)l->units * sizeof(float));
    if (l->mask) gather(s, l->mask, s->masks);
    if (has_carry(l)) gather(s, is_lstm(l) ? l->initial_c : l->initial_h, s->first_carry);
    float *inputs = inputs_at(s, 0);
    for (long row = 0; row < s->rows; row++) {
        float *h = inputs + row * s->width;
        const float *given = l->initial_h ? l->initial_h + sequence(s, row) * l->units : NULL;
        for (long unit = 0; unit < l->units; unit++)
            h[unit] = given ? given[unit] * (l->mask ? s->masks[row * s->units + unit] : 1.0f) : 0.0f;
    }
}

static void forward_shard(const void *layer, int64_t shard)
{
    const Layer *l = layer;
    const unsigned long mode = flush_denormals();
    Shard s;
    open_shard(&s, l, shard);
    begin(&s);
    for (long step = 0; step < s.steps; step++) {
        s.gates_from = l->keep && !l->recompute ? 0 : s.first[step];
        take_inputs(&s, step);
        compute_gates(&s, step);
    }
    restore_denormals(mode);
}
