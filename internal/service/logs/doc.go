// Package logs is Amazon CloudWatch Logs: groups of streams of events, stored, searched and
// forgotten.
//
// # What AWS promises here
//
// A log group belongs to an account and a Region and has streams; a stream has events, each with a
// time, a message and the time at which it came. PutLogEvents takes up to 10,000 events of together
// 1 MiB (with 26 bytes for each), in the order of their times, within 24 hours, none above 1 MiB. Events that
// are more than 14 days old, older than the group's retention, or more than two hours ahead are left out,
// and the answer says which. GetLogEvents reads a stream in either direction, FilterLogEvents
// searches streams of a group for a pattern (package logpattern); both answer up to 10,000 events or
// 1 MiB with a token for the rest. Events are deleted when they are older than the group's retention: at
// most an hour later, and no answer has them before. Resource policies, up to ten for an account and
// Region, let services write.
//
// Log groups of other classes than STANDARD, KMS keys for groups, metric and subscription filters,
// queries and what builds on them are not offered; all data is sealed like everything in the store.
//
// # How it is kept
//
// Events are stored in blocks of up to 256 KiB before compression, not one by one. A block lies under
//
//	account / Region / logs / block / group / stream / first time / id
//
// and its events are within one hour of the clock. What is asked of a time starts at the blocks that may
// reach into it: how long the longest block of a stream and hour is, is noted under
//
//	account / Region / logs / hour / group / hour / stream
//
// which also tells what a group has in which hour, for searching and for forgetting. Events have a total
// order: by time, then by when their block came, then by their place in it. An event id is the place in that order,
// and so are the tokens of GetLogEvents.
//
// PutLogEvents writes only its blocks (and the hour, the first time), so that writers of one stream do
// not meet. What DescribeLogStreams tells of a stream's times is read from its blocks.
//
// # Where to look
//
//	state.go, keys.go      records, and the keys of blocks and hours
//	block.go               a block's form
//	place.go               the order of events, their ids and tokens
//	groups.go, streams.go, retention.go, tags.go, policies.go
//	                       the operations on groups and streams
//	put.go                 PutLogEvents
//	reader.go              events in order, of one stream or many
//	get.go, filter.go      GetLogEvents, FilterLogEvents, TestMetricFilter
//	sweep.go               deleting what is left of groups and streams
//	resolve.go             what a call touches, for authorization
package logs
