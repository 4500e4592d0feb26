/* A team of threads that share out numbered pieces of work.
 *
 * Whoever is free takes the next number, so a thread that another process keeps waiting delays one piece, not all.
 * Threads that have nothing to do look for work for a moment before they sleep: a recurrent layer is called again and
 * again within milliseconds, and waking a thread takes a good part of one. They yield their core while they look.
 */
#pragma once

#include <stdint.h>

typedef void Piece(const void *work, int64_t number);

/* Calls `piece` with 0 … count - 1 on at most `threads` threads, the caller's among them, and returns when all have
 * been done. Where another thread of the process has the team, the caller does all of it. */
void team_each(Piece *piece, const void *work, int64_t count, int64_t threads);
