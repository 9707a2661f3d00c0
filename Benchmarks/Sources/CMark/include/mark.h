/// A place in the program at which callgrind is told to write down its counts and to start anew.
#ifndef GRAFT_BENCHMARK_MARK_H
#define GRAFT_BENCHMARK_MARK_H

void graft_benchmark_mark(void);

#endif
