/* The exported functions: a recurrent layer over time, forward and backward. */
#include "layer.h"

#include "answer.h"
#include "backward.h"
#include "team.h"

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

static void pack_piece(const void *layer, int64_t panel)
{
    const Layer *l = layer;
    pack_panel(l, panel, (float *)packed_for_sums(l, panel));
    if (!l->keep) return;
    pack_panel_back(l, panel, FROM_H, l->units, (float *)packed_for_dh(l, 0, panel));
    pack_panel_back(l, panel, FROM_X, l->features, (float *)packed_for_dx(l, 0, panel));
}

/* Adds the shards' gradients of a panel's weights, in the order of their numbers. */
static void collect_piece(const void *layer, int64_t panel)
{
    const Layer *l = layer;
    Shard first, s;
    open_shard(&first, l, 0);
    float *sum = first.d_weights + panel * panel_size(l);
    for (long shard = 1; shard < l->shards; shard++) {
        open_shard(&s, l, shard);
        const float *found = s.d_weights + panel * panel_size(l);
        for (long place = 0; place < panel_size(l); place += LANES)
            store(sum + place, load(sum + place) + load(found + place));
    }
    unpack_panel(l, panel, sum);
}

static void collect_peepholes(const Layer *l)
{
    Shard s;
    memset(l->dp, 0, (size_t)(3 * l->units) * sizeof(float));
    for (long shard = 0; shard < l->shards; shard++) {
        open_shard(&s, l, shard);
        for (long gate = 0; gate < 3; gate++)
            for (long unit = 0; unit < l->units; unit++)
                l->dp[gate * l->units + unit] += s.d_peepholes[gate * s.units + unit];
    }
}

void unrolled_pack(const Layer *l) { team_each(pack_piece, l, panels(l), l->threads); }

void unrolled_forward(const Layer *l) { team_each(forward_shard, l, l->shards, l->threads); }

void unrolled_backward(const Layer *l)
{
    team_each(backward_shard, l, l->shards, l->threads);
    team_each(collect_piece, l, panels(l), l->threads);
    if (l->dp) collect_peepholes(l);
}

int unrolled_answer(const Answer *a)
{
    for (long k = 0; k < a->witnesses; k++)
        if (memcmp(a->witness[k].now, a->witness[k].then, (size_t)a->witness[k].bytes)) return CHANGED;
    if (!take_values(a)) return UNUSUAL;
    for (long k = 0; k < a->layers; k++) {
        const Layer *l = a->layer[k];
        if (l->total) memset(l->total, 0, (size_t)l->units * sizeof(float));
        forward_shard(l, 0);
    }
    for (long k = 0; a->mean && k < a->pooled; k++) a->read[k] /= (float)a->steps;
    read_out(a);
    return ANSWERED;
}

int64_t unrolled_layer_size(void) { return sizeof(Layer); }

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
