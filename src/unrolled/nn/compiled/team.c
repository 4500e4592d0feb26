#include "team.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* Threads at most. */
#define MOST_MEMBERS 64

/* Polls for work, of about a microsecond each, before a thread sleeps: longer than the time between the forward and the
 * backward pass of a small network, and between two steps of its training. */
#ifndef LOOKS
#define LOOKS 2000
#endif

/* A job and the next of its numbers are one word, so that a number can be taken only while its job is open. */
#define NUMBER_BITS 32
#define NUMBERS ((UINT64_C(1) << NUMBER_BITS) - 1)

static struct {
    pthread_mutex_t caller; /* held by the thread that uses the team */
    pthread_mutex_t sleep;  /* protects the two conditions */
    pthread_cond_t opened, finished;
    _Atomic uint64_t next; /* [job | number]; NUMBERS stands for a job that is closed */
    _Atomic int64_t done;
    _Atomic(Piece *) piece;
    _Atomic(const void *) work;
    _Atomic int64_t count, threads;
    int64_t members; /* started threads, without the callers */
} team = {
    .caller = PTHREAD_MUTEX_INITIALIZER,
    .sleep = PTHREAD_MUTEX_INITIALIZER,
    .opened = PTHREAD_COND_INITIALIZER,
    .finished = PTHREAD_COND_INITIALIZER,
    .next = NUMBERS,
};

/* A moment in which the other threads of this core may run. */
static void pause_a_moment(void)
{
    for (int turn = 0; turn < 16; turn++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
    sched_yield();
}

/* Takes numbers of one job and runs their pieces until none is left. */
static void run_pieces(uint64_t job)
{
    for (;;) {
        uint64_t next = atomic_load(&team.next);
        const int64_t number = (int64_t)(next & NUMBERS), count = atomic_load(&team.count);
        Piece *piece = atomic_load(&team.piece);
        const void *work = atomic_load(&team.work);
        if (next >> NUMBER_BITS != job || number >= count) return;
        if (!atomic_compare_exchange_weak(&team.next, &next, next + 1)) continue;
        piece(work, number); /* of this job: had another begun meanwhile, the number could not have been taken */
        if (atomic_fetch_add(&team.done, 1) + 1 < count) continue;
        pthread_mutex_lock(&team.sleep);
        pthread_cond_broadcast(&team.finished);
        pthread_mutex_unlock(&team.sleep);
    }
}

/* Waits for the job after `known`. */
static uint64_t wait_for_job(uint64_t known)
{
    uint64_t next = atomic_load(&team.next);
    for (int look = 0; look < LOOKS; look++) {
        if (next >> NUMBER_BITS != known) return next >> NUMBER_BITS;
        pause_a_moment();
        next = atomic_load(&team.next);
    }
    pthread_mutex_lock(&team.sleep);
    while ((next = atomic_load(&team.next)) >> NUMBER_BITS == known) pthread_cond_wait(&team.opened, &team.sleep);
    pthread_mutex_unlock(&team.sleep);
    return next >> NUMBER_BITS;
}

static void *member_thread(void *place)
{
    const int64_t number = (int64_t)(intptr_t)place;
    for (uint64_t job = 0;;) {
        job = wait_for_job(job);
        if (number < atomic_load(&team.threads)) run_pieces(job);
    }
    return NULL;
}

static void wait_for_all(int64_t count)
{
    for (int look = 0; look < LOOKS; look++) {
        if (atomic_load(&team.done) == count) return;
        pause_a_moment();
    }
    pthread_mutex_lock(&team.sleep);
    while (atomic_load(&team.done) < count) pthread_cond_wait(&team.finished, &team.sleep);
    pthread_mutex_unlock(&team.sleep);
}

/* A forked child has none of its parent's threads, and may have been forked while they held a lock. */
static void reset_after_fork(void)
{
    team.members = 0;
    atomic_store(&team.next, NUMBERS);
    pthread_mutex_init(&team.caller, NULL);
    pthread_mutex_init(&team.sleep, NULL);
    pthread_cond_init(&team.opened, NULL);
    pthread_cond_init(&team.finished, NULL);
}

/* Starts missing threads, as far as the system allows. */
static void start_threads(int64_t wanted)
{
    for (pthread_t thread; team.members < wanted && team.members < MOST_MEMBERS; team.members++) {
        if (pthread_create(&thread, NULL, member_thread, (void *)(intptr_t)(team.members + 1))) return;
        pthread_detach(thread);
    }
}

__attribute__((constructor)) static void register_fork_handler(void) { pthread_atfork(NULL, NULL, reset_after_fork); }

static void run_alone(Piece *piece, const void *work, int64_t count)
{
    for (int64_t number = 0; number < count; number++) piece(work, number);
}

void team_each(Piece *piece, const void *work, int64_t count, int64_t threads)
{
    if (threads > count) threads = count;
    if (threads < 2 || pthread_mutex_trylock(&team.caller)) {
        run_alone(piece, work, count);
        return;
    }
    start_threads(threads - 1);
    const uint64_t job = (atomic_load(&team.next) >> NUMBER_BITS) + 1;
    atomic_store(&team.piece, piece);
    atomic_store(&team.work, work);
    atomic_store(&team.count, count);
    atomic_store(&team.threads, threads);
    atomic_store(&team.done, 0);
    pthread_mutex_lock(&team.sleep); /* or a thread that is about to sleep would not see it */
    atomic_store(&team.next, job << NUMBER_BITS);
    pthread_cond_broadcast(&team.opened);
    pthread_mutex_unlock(&team.sleep);
    run_pieces(job);
    wait_for_all(count);
    atomic_store(&team.next, (job << NUMBER_BITS) | NUMBERS);
    pthread_mutex_unlock(&team.caller);
}
