/* One sequence from a caller's values to probabilities in one call, for networks that are a scale, recurrent layers, the
 * last or the mean output and a readout: what is left of a short answer is the arithmetic.
 */
#pragma once

#include <math.h>

#include "forward.h"

/* A block of weights that were packed or copied, by which a later change of them is noticed. */
typedef struct {
    const void *now, *then;
    int64_t bytes;
} Witness;

typedef struct {
    int64_t witnesses, layers, steps, channels;
    int64_t type; /* of the values: 0 for float, 1 for double, 2 for bytes */
    int64_t pooled, mean, classes;
    double scale, low, high, temperature; /* bytes are scaled; values outside low .. high are not read */
    const Witness *witness;
    const Layer *const *layer; /* in the order of computation */
    const void *given;         /* [T, F] */
    const float *shift, *factor;
    float *values; /* [T, F], which the first layer reads */
    float *read;   /* [P], what the layers leave */
    const float *W, *b;
    float *logits, *probabilities;
} Answer;

enum { ANSWERED, UNUSUAL, CHANGED };

/* One of these; nothing was read unless it is ANSWERED. */
SHOWN int unrolled_answer(const Answer *answer);

/* (x - shift) ∘ factor of all values; whether all are within the range. */
static int take_values(const Answer *a)
{
    const float scale = (float)a->scale, low = (float)a->low, high = (float)a->high;
    int within = 1;
    for (long step = 0; step < a->steps; step++)
        for (long channel = 0; channel < a->channels; channel++) {
            const long place = step * a->channels + channel;
            float x;
            if (a->type == 0) x = ((const float *)a->given)[place];
            else if (a->type == 1) x = (float)((const double *)a->given)[place];
            else x = (float)((const unsigned char *)a->given)[place] * scale;
            within &= x >= low && x <= high;
            a->values[place] = (x - a->shift[channel]) * a->factor[channel];
        }
    return within;
}

static float dot(const float *one, const float *other, long count)
{
    vec sums = all(0.0f);
    for (long k = 0; k < count; k += LANES) sums += load_some(one + k, count - k) * load_some(other + k, count - k);
    float lanes[LANES], sum = 0.0f;
    store(lanes, sums);
    for (int lane = 0; lane < LANES; lane++) sum += lanes[lane];
    return sum;
}

static void read_out(const Answer *a)
{
    double most = -INFINITY, total = 0.0;
    for (long c = 0; c < a->classes; c++) {
        a->logits[c] = dot(a->W + c * a->pooled, a->read, a->pooled) + a->b[c];
        most = fmax(most, (double)a->logits[c] / a->temperature);
    }
    double shares[a->classes];
    for (long c = 0; c < a->classes; c++) total += shares[c] = exp((double)a->logits[c] / a->temperature - most);
    for (long c = 0; c < a->classes; c++) a->probabilities[c] = (float)(shares[c] / total);
}
