/* Classifies one sequence from standard input, a step a line, by a model in C.
 *
 *     unrolled export runs/digits/1 --format c
 *     cc -std=c99 -O2 -I. -o classify examples/c/classify.c digits.c
 *     printf '0,0,5,13,9,1,0,0\n0,0,13,15,10,15,5,0\n' | ./classify
 *
 * For another model, change the name in the two lines below and every digits_ to it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "digits.h"

int main(void)
{
    static digits_state state; /* on a device it is small enough for the stack, too */
    digits_share probabilities[DIGITS_CLASSES];
    char line[4096];
    digits_reset(&state);
    while (fgets(line, sizeof line, stdin)) {
        digits_value values[DIGITS_CHANNELS];
        char *next = line;
        for (int channel = 0; channel < DIGITS_CHANNELS; channel++) {
            values[channel] = strtof(next, &next);
            if (*next == ',')
                next++;
        }
        if (digits_step(&state, values) != 0) {
            fprintf(stderr, "a step was not read: %s", line);
            return 1;
        }
    }
    const int best = digits_probabilities(&state, probabilities);
    if (best < 0) {
        fprintf(stderr, "there was no step\n");
        return 1;
    }
    printf("%s %.4f\n", digits_class_names[best], (double)probabilities[best]);
    return 0;
}
