// Package baseline learns what is usual, so that what is not can be told: how many requests there are in a
// span of time ([Level]), how many an ordinary client makes ([Counts]), and how many come from each kind of
// client ([Kinds]).
//
// All of it learns from spans that have ended, weighs newer ones more, and is moved on by the times of the
// requests alone: the same requests at the same times give the same baseline. All of it is bounded; which of the
// rare ones make room where a bound is reached is not determined.
package baseline
