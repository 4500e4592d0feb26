/* A recurrent layer over time, forward and backward, a shard of the batch at a time.
 *
 * The batch is cut into shards. A shard runs all its steps alone, forward or backward, without waiting for another;
 * what the shards find for the weights is added up at the end, in the order of their numbers. So results depend on
 * the number of shards, which the sizes alone determine, and not on the threads that ran them.
 *
 * In a shard the sequences stand in order of falling length: at every step those that still run are the first rows,
 * and one that has ended costs nothing more. Rows of all steps lie end to end, `first[s]` is where step s begins.
 */
#include "layer.h"

#include "packing.h"

/* Rows of gradients that wait until they are multiplied with the inputs: enough to make the product worth its loads
 * and stores, few enough to be still in the second cache. */
#ifndef WAITING_ROWS
#define WAITING_ROWS 64
#endif

/* ---------------------------------------------------------------- a shard's place in the workspace */

typedef struct {
    const Layer *l;
    long rows, steps, index;
    int64_t *active; /* [steps + 1]: rows that are still running; 0 at the end */
    int64_t *first;  /* [steps + 1]: rows of all steps before */

    float *inputs;      /* [h | x | 1 | r∘h] of each row, `width` floats apart */
    long width;
    float *sums;        /* of one panel and step, [rows, PANEL], in the nearest cache */
    float *gates;       /* [panels, gate_rows, PANEL], from row `gates_from` on */
    long gate_rows, gates_from;
    float *carry;       /* what goes from step to step beside the inputs: c of an LSTM, h of a GRU */
    float *first_carry; /* the same before the first step */
    long units;         /* H rounded up to whole vectors: the width of carry, masks and gradients of states */
    float *masks, *peepholes;
    float *dh, *dc, *dm, *dx; /* gradients of h, of c, of the masked h, and of the inputs, a row a sequence */
    float *d_sums;            /* gradients of the sums, [panels, waiting, PANEL], from row `d_sums_from` on */
    long waiting, d_sums_from;
    float *d_weights, *d_peepholes;
    int quiet; /* computing gates again: nothing is handed out */
} Shard;

INLINE int has_carry(const Layer *l) { return !is_rnn(l); }
INLINE long rows_in_shard(const Layer *l, long shard) { return (l->batch - shard + l->shards - 1) / l->shards; }
INLINE long sequence(const Shard *s, long row) { return s->l->plan[s->index + row * s->l->shards]; }
INLINE long length(const Shard *s, long row) { return s->l->lengths[sequence(s, row)]; }

/* Walks through the workspace; with a base of NULL it only counts. */
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
    if (s->width % 256 == 0) s->width += 16; /* rows a power of two apart would share a few places of the cache */
    s->waiting = WAITING_ROWS + s->rows;
    s->gate_rows = kept ? total : l->recompute ? s->waiting : s->rows;
    const long carried = has_carry(l) ? s->units : 0, backward = l->keep ? s->rows * s->units : 0;

    s->active = (int64_t *)claim(&next, 2 * (s->steps + 1), &sum);
    s->first = (int64_t *)claim(&next, 2 * (s->steps + 1), &sum);
    s->inputs = claim(&next, (l->keep ? total : 2 * s->rows) * s->width, &sum);
    s->sums = claim(&next, s->rows * PANEL, &sum);
    s->gates = claim(&next, panel_count * s->gate_rows * PANEL, &sum);
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

/* How many rows run at each step, and where they lie. */
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
INLINE float *gates_at(const Shard *s, long panel, long step)
{
    return s->gates + (panel * s->gate_rows + s->first[step] - s->gates_from) * PANEL;
}
/* Where the products of a panel are summed: apart, in the nearest cache, or in place where they must wait for more. */
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

/* A sequence's own step: counted from its end where the direction is backward. */
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

/* Denormal numbers cost a hundred times as much as others and mean nothing here: they count as 0 meanwhile. */
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

/* ---------------------------------------------------------------- forward */

static void add_products(const Shard *s, long step, long panel, enum source source)
{
    const Layer *l = s->l;
    const span used = columns_from(l, panel, source);
    long row = row_of(l, source), depth = rows_of(l, source);
    if (!is_gru(l) && source == FROM_H) depth += l->features; /* h and x enter the same columns: one product */
    deep_product(s->active[step], used.count, depth, inputs_at(s, step) + row, s->width, 1,
                 packed_for_sums(l, panel) + row * PANEL + used.first * LANES, PANEL,
                 sums_at(s, panel, step) + used.first * LANES, PANEL);
}

/* The sums of a panel's gates, but for those that wait for r ∘ h. */
static void sum_gates(const Shard *s, long step, long panel)
{
    const float *bias = packed_for_sums(s->l, panel) + row_of(s->l, FROM_ONE) * PANEL;
    float *sums = sums_at(s, panel, step);
    for (long row = 0; row < s->active[step]; row++) memcpy(sums + row * PANEL, bias, PANEL * sizeof(float));
    add_products(s, step, panel, FROM_H);
    if (is_gru(s->l)) add_products(s, step, panel, FROM_X);
}

/* h of one row goes to the next step, or to the final state, and to whoever asked for outputs. */
INLINE void hand_on(const Shard *s, long step, long row, long unit, vec h)
{
    const Layer *l = s->l;
    if (s->quiet) return;
    const long count = l->units - unit;
    if (l->outputs) {
        float *place = l->outputs + sequence(s, row) * l->outputs_row + own_step(s, row, step) * l->outputs_step;
        store_some(place + unit, h, count);
    }
    if (l->total) {
        float *place = l->total + sequence(s, row) * l->units + unit;
        store_some(place, load_some(place, count) + h, count);
    }
    if (row >= s->active[step + 1]) {
        store_some(l->last_h + sequence(s, row) * l->units + unit, h, count);
        return;
    }
    if (l->mask) h *= load(s->masks + row * s->units + unit);
    store(inputs_at(s, step + 1) + row * s->width + unit, h);
}

INLINE void hand_on_c(const Shard *s, long step, long row, long unit, vec c)
{
    if (!s->quiet && row >= s->active[step + 1])
        store_some(s->l->last_c + sequence(s, row) * s->l->units + unit, c, s->l->units - unit);
}

INLINE peepholes peepholes_of(const Shard *s, long unit)
{
    const float *p = s->peepholes + unit;
    return (peepholes){load(p), load(p + s->units), load(p + 2 * s->units)};
}

static void finish_lstm(const Shard *s, long step, long panel)
{
    const long unit = panel * LANES;
    const peepholes p = peepholes_of(s, unit);
    float *gates = gates_at(s, panel, step), *after = carry_after(s, step) + unit;
    const float *sums = sums_at(s, panel, step), *before = carry_before(s, step) + unit;
    for (long row = 0; row < s->active[step]; row++) {
        vec c = load(before + row * s->units);
        const vec h = lstm_forward(sums + row * PANEL, gates + row * PANEL, &c, p);
        store(after + row * s->units, c);
        hand_on(s, step, row, unit, h);
        hand_on_c(s, step, row, unit, c);
    }
}

static void finish_gru(const Shard *s, long step, long panel)
{
    const long unit = panel * LANES;
    float *gates = gates_at(s, panel, step), *after = carry_after(s, step) + unit;
    const float *sums = sums_at(s, panel, step), *before = carry_before(s, step) + unit;
    for (long row = 0; row < s->active[step]; row++) {
        const float *sum = sums + row * PANEL;
        float *place = gates + row * PANEL;
        const vec former = load(before + row * s->units);
        const vec h = s->l->cell == GRU ? gru_forward(sum, place, former) : gru_reset_before_close(sum, place, former);
        store(after + row * s->units, h);
        hand_on(s, step, row, unit, h);
    }
}

static void reset_gru(const Shard *s, long step, long panel)
{
    const long unit = panel * LANES;
    float *gates = gates_at(s, panel, step), *inputs = inputs_at(s, step) + unit;
    const long reset = row_of(s->l, FROM_RESET);
    for (long row = 0; row < s->active[step]; row++) {
        float *place = inputs + row * s->width, *both = gates + row * PANEL;
        const vec masked_h = load_some(place, s->l->units - unit); /* behind the last unit stands x */
        store(place + reset, gru_reset_before_open(both, both, masked_h));
    }
}

static void finish_rnn(const Shard *s, long step, long panel)
{
    float *gates = gates_at(s, panel, step);
    const float *sums = sums_at(s, panel, step);
    for (int column = 0; column < columns(s->l, panel); column++)
        for (long row = 0; row < s->active[step]; row++) {
            const float *sum = sums + row * PANEL;
            float *place = gates + row * PANEL;
            const vec h = s->l->cell == RNN ? rnn_forward(sum, place, column) : relu_rnn_forward(sum, place, column);
            hand_on(s, step, row, first_unit(s->l, panel, column), h);
        }
}

static void finish_panel(const Shard *s, long step, long panel)
{
    if (is_rnn(s->l)) finish_rnn(s, step, panel);
    else if (is_gru(s->l)) finish_gru(s, step, panel);
    else finish_lstm(s, step, panel);
}

static void compute_gates(const Shard *s, long step)
{
    const long count = panels(s->l);
    if (s->l->cell != GRU_RESET_BEFORE) {
        for (long panel = 0; panel < count; panel++) {
            sum_gates(s, step, panel);
            finish_panel(s, step, panel);
        }
        return;
    }
    for (long panel = 0; panel < count; panel++) { /* every n waits for r ∘ h of all units */
        sum_gates(s, step, panel);
        reset_gru(s, step, panel);
    }
    for (long panel = 0; panel < count; panel++) {
        add_products(s, step, panel, FROM_RESET);
        finish_panel(s, step, panel);
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

void unrolled_forward(const Layer *l, int64_t shard)
{
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

/* ---------------------------------------------------------------- backward */

/* The gradient of a row's h: what came back from the step after it, and what its output was told. */
INLINE vec gradient_of_h(const Shard *s, long step, long row, long unit)
{
    const Layer *l = s->l;
    const vec dh = load(s->dh + row * s->units + unit);
    if (!l->d_outputs) return dh;
    const float *told = l->d_outputs + sequence(s, row) * l->d_outputs_row + own_step(s, row, step) * l->d_outputs_step;
    return dh + load_some(told + unit, l->units - unit);
}

static void lstm_panel_backward(const Shard *s, long step, long panel)
{
    const long unit = panel * LANES;
    const peepholes p = peepholes_of(s, unit);
    const int peeping = s->l->cell == PEEPHOLE_LSTM;
    const float *gates = gates_at(s, panel, step);
    float *d_sums = d_sums_at(s, panel, step);
    const float *before = carry_before(s, step) + unit, *after = carry_after(s, step) + unit;
    vec d_i = {0}, d_f = {0}, d_o = {0};
    for (long row = 0; row < s->active[step]; row++) {
        const long at = row * s->units;
        float *place = d_sums + row * PANEL;
        vec dc = load(s->dc + at + unit);
        const vec c_before = load(before + at), c = load(after + at);
        lstm_backward(gates + row * PANEL, place, gradient_of_h(s, step, row, unit), &dc, c_before, c, p);
        store(s->dc + at + unit, dc);
        store(s->dh + at + unit, all(0.0f));
        if (!peeping) continue;
        d_i += column_of(place, 0) * c_before;
        d_f += column_of(place, 1) * c_before;
        d_o += column_of(place, 3) * c;
    }
    if (!peeping) return;
    float *found = s->d_peepholes + unit;
    store(found, load(found) + d_i);
    store(found + s->units, load(found + s->units) + d_f);
    store(found + 2 * s->units, load(found + 2 * s->units) + d_o);
}

static void gru_panel_backward(const Shard *s, long step, long panel)
{
    const long unit = panel * LANES;
    const float *gates = gates_at(s, panel, step), *before = carry_before(s, step) + unit;
    float *d_sums = d_sums_at(s, panel, step);
    for (long row = 0; row < s->active[step]; row++) {
        const float *gate = gates + row * PANEL;
        float *place = d_sums + row * PANEL;
        const vec h = load(before + row * s->units), dh = gradient_of_h(s, step, row, unit);
        const vec direct =
            s->l->cell == GRU ? gru_backward(gate, place, dh, h) : gru_reset_before_backward_open(gate, place, dh, h);
        store(s->dh + row * s->units + unit, direct);
    }
}

static void rnn_panel_backward(const Shard *s, long step, long panel)
{
    const float *gates = gates_at(s, panel, step);
    float *d_sums = d_sums_at(s, panel, step);
    for (int column = 0; column < columns(s->l, panel); column++) {
        const long unit = first_unit(s->l, panel, column);
        for (long row = 0; row < s->active[step]; row++) {
            const vec dh = gradient_of_h(s, step, row, unit);
            if (s->l->cell == RNN) rnn_backward(gates + row * PANEL, d_sums + row * PANEL, column, dh);
            else relu_rnn_backward(gates + row * PANEL, d_sums + row * PANEL, column, dh);
            store(s->dh + row * s->units + unit, all(0.0f));
        }
    }
}

/* rows += (gradients of the sums, some columns of each panel) × weights */
static void add_products_back(const Shard *s, long step, span used, const float *packed, long width, float *rows,
                              long row_size)
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
                    rows + block * PANEL, row_size);
        }
    }
}

/* Second half of a step back through a GRU that resets before the product. */
static void reset_gru_backward(const Shard *s, long step)
{
    const Layer *l = s->l;
    memset(s->dm, 0, (size_t)(s->active[step] * s->units) * sizeof(float));
    add_products_back(s, step, (span){0, 1}, packed_for_dh(l, 0, 0), l->units, s->dm, s->units);
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

/* dh of the step before, through the products; a mask stands between the two. */
static void state_backward(const Shard *s, long step)
{
    const Layer *l = s->l;
    const span used = columns_from(l, 0, FROM_H);
    const int by_way = l->mask || l->cell == GRU_RESET_BEFORE;
    if (l->mask && l->cell != GRU_RESET_BEFORE)
        memset(s->dm, 0, (size_t)(s->active[step] * s->units) * sizeof(float));
    add_products_back(s, step, used, packed_for_dh(l, 0, 0), l->units, by_way ? s->dm : s->dh, s->units);
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
    add_products_back(s, step, columns_from(l, 0, FROM_X), packed_for_dx(l, 0, 0), l->features, s->dx, width);
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
    for (long panel = 0; panel < panels(l); panel++) {
        const float *gradients = d_sums_at(s, panel, from_step);
        float *found = s->d_weights + panel * panel_size(l);
        for (enum source source = FROM_H; source <= FROM_RESET; source++) {
            const span used = columns_from(l, panel, source);
            const long row = row_of(l, source), rows = is_gru(l) ? rows_of(l, source) : depth_of_products(l);
            product(rows, used.count, count, inputs + row, 1, s->width, gradients + used.first * LANES, PANEL,
                    found + row * PANEL + used.first * LANES, PANEL);
            if (!is_gru(l)) break; /* h, x and 1 enter the same columns: one product */
        }
    }
}

static void recompute_gates(Shard *s, long from_step, long to_step)
{
    s->quiet = 1;
    s->gates_from = s->first[from_step];
    for (long step = from_step; step < to_step; step++) compute_gates(s, step);
}

void unrolled_backward(const Layer *l, int64_t shard)
{
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

/* ---------------------------------------------------------------- before and after the shards */

int64_t unrolled_packed_size(const Layer *l)
{
    return sums_size(l) + (l->keep ? back_size(l, l->units) + back_size(l, l->features) : 0);
}

int64_t unrolled_plan(const Layer *l)
{
    long sum = 0;
    Shard s;
    for (long shard = 0; shard < l->shards; shard++) {
        l->plan[l->batch + shard] = sum;
        sum += lay_out(&s, l, shard, NULL);
    }
    l->plan[l->batch + l->shards] = sum;
    return sum;
}

int unrolled_same(const void *one, const void *other, int64_t bytes) { return !memcmp(one, other, (size_t)bytes); }

void unrolled_pack(const Layer *l)
{
    for (long panel = 0; panel < panels(l); panel++) {
        pack_panel(l, panel, (float *)packed_for_sums(l, panel));
        if (!l->keep) continue;
        pack_panel_back(l, panel, FROM_H, l->units, (float *)packed_for_dh(l, 0, panel));
        pack_panel_back(l, panel, FROM_X, l->features, (float *)packed_for_dx(l, 0, panel));
    }
}

void unrolled_collect(const Layer *l)
{
    Shard first, s;
    open_shard(&first, l, 0);
    const long count = panels(l) * panel_size(l);
    for (long shard = 1; shard < l->shards; shard++) {
        open_shard(&s, l, shard);
        for (long place = 0; place < count; place += LANES)
            store(first.d_weights + place, load(first.d_weights + place) + load(s.d_weights + place));
        for (long place = 0; place < 3 * first.units; place += LANES)
            store(first.d_peepholes + place, load(first.d_peepholes + place) + load(s.d_peepholes + place));
    }
    for (long panel = 0; panel < panels(l); panel++) unpack_panel(l, panel, first.d_weights + panel * panel_size(l));
    for (long gate = 0; l->dp && gate < 3; gate++)
        memcpy(l->dp + gate * l->units, first.d_peepholes + gate * first.units, (size_t)l->units * sizeof(float));
}

int unrolled_lanes(void) { return LANES; }

int unrolled_level(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq"))
        return 4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 3;
    return 2;
#else
    return 0;
#endif
}
