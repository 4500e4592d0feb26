/* A pool of threads that share out numbered pieces of work.
 *
 * A free thread takes the next number, so a thread that the system suspends delays one piece, not all. Idle threads
 * poll for work for a moment before they sleep: a recurrent layer is called again within milliseconds, and waking a
 * thread takes a good part of one. They yield their core while they poll.
 */
#pragma once

#include <stdint.h>

typedef void Piece(const void *work, int64_t number);

/* Calls `piece` with 0 … count - 1 on at most `threads` threads, including the caller's, and returns when all
 * have returned. While another thread of the process uses the team, the caller makes all calls itself. */
void team_each(Piece *piece, const void *work, int64_t count, int64_t threads);
