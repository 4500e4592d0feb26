/* Runs every cell over odd sizes, forward and backward, on buffers that are exactly as large as the library says:
 * whatever it reads or writes beside them, or before they were written, is found by the sanitizers or by valgrind.
 *
 * Built together with layer.c and team.c. Prints a sum of everything that came out, so that all of it is read.
 */
#include <stdio.h>
#include <stdlib.h>

#include "layer.h"

static uint64_t chance = 1;
static float draw(void)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (float)(chance >> 40) / (1 << 23) - 1.0f;
}

static void *room(long count, size_t size)
{
    void *place = malloc((size_t)count * size);
    if (!place) exit(2);
    return place;
}

static float *empty(long count) { return room(count, sizeof(float)); }

static float *drawn(long count)
{
    float *values = empty(count);
    for (long place = 0; place < count; place++) values[place] = draw();
    return values;
}

static double sum_of(const float *values, long count)
{
    double sum = 0;
    for (long place = 0; place < count; place++) sum += values[place];
    return sum;
}

/* Longest first, as the plan has to be. */
static void sort(int64_t *plan, const int64_t *lengths, long count)
{
    for (long place = 0; place < count; place++) plan[place] = place;
    for (long from = 0; from < count; from++)
        for (long other = from + 1; other < count; other++)
            if (lengths[plan[other]] > lengths[plan[from]]) {
                const int64_t kept = plan[from];
                plan[from] = plan[other];
                plan[other] = kept;
            }
}

enum { GIVEN = 1, MASKED = 2, REVERSED = 4, KEPT = 8, RECOMPUTED = 16, TOLD = 32, SUMMED = 64 };

static double run(long cell, long B, long T, long F, long H, long shards, int how)
{
    static const int gates_of[] = {1, 1, 3, 3, 4, 4};
    const long G = gates_of[cell];
    const int gru = cell == 2, lstm = cell >= 4, peeping = cell == 5;
    float *all[40] = {0};
    int count = 0;
#define HELD(value) (all[count++] = (value))
    int64_t *lengths = room(B, sizeof(int64_t)), *plan = room(B + shards + 1, sizeof(int64_t));
    for (long row = 0; row < B; row++) lengths[row] = 1 + (long)((draw() + 1) / 2 * (float)T) % T;
    sort(plan, lengths, B);
    Layer l = {.cell = cell, .batch = B, .steps = T, .features = F, .units = H, .shards = shards, .threads = 3};
    l.reverse = !!(how & REVERSED), l.keep = !!(how & KEPT), l.recompute = (how & KEPT) && (how & RECOMPUTED);
    l.x = HELD(drawn(B * T * F)), l.x_row = T * F, l.x_step = F, l.lengths = lengths, l.plan = plan;
    l.W = HELD(drawn(G * H * F)), l.U = HELD(drawn(G * H * H)), l.b = HELD(drawn(G * H));
    if (gru) l.b_u = HELD(drawn(H));
    if (peeping) l.p = HELD(drawn(3 * H));
    if (how & GIVEN) l.initial_h = HELD(drawn(B * H));
    if (how & GIVEN && lstm) l.initial_c = HELD(drawn(B * H));
    if (how & MASKED) l.mask = HELD(drawn(B * H));
    if (how & TOLD) l.outputs = HELD(drawn(B * T * H)), l.outputs_row = T * H, l.outputs_step = H;
    if (how & SUMMED) l.total = HELD(drawn(B * H));
    l.last_h = HELD(empty(B * H));
    if (lstm) l.last_c = HELD(empty(B * H));
    l.workspace = HELD(empty(unrolled_plan(&l)));
    l.packed = HELD(empty(unrolled_packed_size(&l)));
    unrolled_pack(&l);
    unrolled_forward(&l);
    double sum = sum_of(l.last_h, B * H) + (lstm ? sum_of(l.last_c, B * H) : 0);
    if (l.outputs) sum += sum_of(l.outputs, B * T * H);
    if (how & KEPT) {
        if (how & TOLD) l.d_outputs = HELD(drawn(B * T * H)), l.d_outputs_row = T * H, l.d_outputs_step = H;
        l.d_last_h = HELD(drawn(B * H));
        if (lstm) l.d_last_c = HELD(drawn(B * H));
        if (how & GIVEN) l.d_initial_h = HELD(empty(B * H));
        if (how & GIVEN && lstm) l.d_initial_c = HELD(empty(B * H));
        l.dx = HELD(drawn(B * T * F)), l.dx_row = T * F, l.dx_step = F;
        l.dW = HELD(empty(G * H * F)), l.dU = HELD(empty(G * H * H)), l.db = HELD(empty(G * H));
        if (gru) l.db_u = HELD(empty(H));
        if (peeping) l.dp = HELD(empty(3 * H));
        unrolled_backward(&l);
        sum += sum_of(l.dx, B * T * F) + sum_of(l.dW, G * H * F) + sum_of(l.dU, G * H * H) + sum_of(l.db, G * H);
        if (gru) sum += sum_of(l.db_u, H);
        if (peeping) sum += sum_of(l.dp, 3 * H);
        if (how & GIVEN) sum += sum_of(l.d_initial_h, B * H);
    }
    for (int place = 0; place < count; place++) free(all[place]);
    free(lengths);
    free(plan);
    return sum;
}

int main(void)
{
    static const long sizes[][5] = {/* B, T, F, H, shards */
                                    {1, 1, 1, 1, 1},    {1, 4, 3, 5, 1},   {2, 3, 17, 16, 1},  {9, 5, 2, 17, 2},
                                    {13, 6, 70, 33, 2}, {8, 2, 5, 64, 2},  {11, 3, 64, 65, 3}, {7, 9, 1, 90, 1}};
    static const int ways[] = {0, TOLD | REVERSED, SUMMED | GIVEN | MASKED, KEPT, KEPT | TOLD | GIVEN | MASKED,
                               KEPT | TOLD | REVERSED | RECOMPUTED, KEPT | SUMMED | GIVEN | RECOMPUTED | MASKED};
    double sum = 0;
    for (long cell = 0; cell < 6; cell++)
        for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++)
            for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
                const long *s = sizes[size];
                sum += run(cell, s[0], s[1], s[2], s[3], s[4], ways[way]);
            }
    printf("%.6g\n", sum);
    return 0;
}
