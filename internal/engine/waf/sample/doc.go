// Package sample keeps random samples of what happens, in buckets of time, so that a later
// question about a range of time can be answered with some items and how much each stands for.
//
// A Reservoir has a series for each key (a rule, say). Of every bucket it keeps a uniform random
// sample of the first items (Vitter's algorithm R) and the number of all. The memory is bounded:
// per bucket, per series, and over all; what is oldest goes first.
//
// A Top counts keys in buckets of time with bounded memory (the Space-Saving algorithm of Metwally,
// Agrawal and El Abbadi): the most frequent keys are among those kept, and their counts are too high
// by at most the smallest count kept.
package sample
