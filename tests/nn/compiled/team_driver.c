/* Gives the team jobs from several threads at once, some of them from a forked child, and counts every piece. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "team.h"

enum { PIECES = 40, JOBS = 200, CALLERS = 3 };

static void count_one(const void *work, int64_t number)
{
    int *counts = (int *)(uintptr_t)work;
    counts[number]++; /* not atomic: were a piece done twice at once, the sanitizer would say so */
}

static void *give_jobs(void *unused)
{
    int counts[PIECES] = {0};
    (void)unused;
    for (int job = 1; job <= JOBS; job++) {
        const int pieces = 1 + job % PIECES;
        team_each(count_one, counts, pieces, 1 + job % 4);
        for (int piece = 0; piece < pieces; piece++) {
            if (counts[piece] != 1) {
                fprintf(stderr, "piece %d of job %d was done %d times\n", piece, job, counts[piece]);
                exit(1);
            }
            counts[piece] = 0;
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t callers[CALLERS];
    for (int caller = 0; caller < CALLERS; caller++) pthread_create(&callers[caller], NULL, give_jobs, NULL);
    for (int caller = 0; caller < CALLERS; caller++) pthread_join(callers[caller], NULL);
    const pid_t child = fork(); /* which has none of the threads */
    if (child == 0) {
        give_jobs(NULL);
        _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
