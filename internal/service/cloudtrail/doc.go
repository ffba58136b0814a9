// Package cloudtrail answers questions about the event history: the record of every
// call that package audit keeps.
//
// What AWS promises here, in short: LookupEvents returns the management events of the
// last 90 days of one account and Region, newest first, up to 50 a page, filtered by
// time and by at most one of eight attributes. AWS shows an event within about five
// minutes; here it is part of the history before the call that caused it is answered.
//
// Insights events do not exist here; asking for them finds none.
package cloudtrail
