// Package expiring is a bounded cache of secrets: entries leave when they are the least
// recently used of too many, when they are past their time, or when a user says that they
// are used up, and what leaves is wiped. Only one caller at a time fills an entry.
package expiring
