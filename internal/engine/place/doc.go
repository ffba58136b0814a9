// Package place tells the country and the autonomous system (AS) of an IP address, for the
// firewall's country and ASN rules.
//
// A Database is two tables, one of countries and one of AS numbers, both immutable and held
// in memory as sorted ranges. A lookup is an index by the first 16 bits and a short binary
// search: some tens of nanoseconds, no allocation.
//
// The binary carries tables of its own (Embedded), packed from public data into
// data/*.packed; data/NOTICE says whose data it is and what its licences ask for. What an
// operator has bought or built instead is read from a MaxMind database file (ReadCountries,
// ReadASNs): the whole file is turned into a table once, so a lookup costs the same and the
// file may go.
//
// Addresses that nobody announces, private ones for example, are in no country and no AS:
// "" and 0. IPv4 addresses written as IPv6 are looked up as IPv4. IPv6 is known down to
// networks of 64 bits.
//
//	table.go      a table, lookup
//	build.go      making one from ranges in order
//	packed.go     its packed form
//	database.go   countries and AS numbers together; what the binary carries
//	mmdb.go       reading MaxMind database files
//	csv.go        reading AS numbers of ip-location-db
//	placepack/    the command that makes data/*.packed (go generate)
package place

//go:generate go run ./placepack -out data
