// Package table keeps typed records in a store: tuple keys, values with a schema
// number, secondary indexes and paging.
//
// A record lives under the tuple
//
//	account / region / service / kind / id…
//
// and an entry of one of its indexes under
//
//	account / region / service / kind@index / indexed parts… / id…
//
// (a unique index leaves the id out). An entry's value is the encoded id, so an index
// leads to the record in one step. Tuples sort by their parts, and no tuple is a
// prefix of another one's encoding unless its parts are; so all of one account, one
// region, one table or one leading part of an id is one range.
//
// A table is defined once, in a Registry that the composition root makes; two tables
// of one name are refused there. The Registry also knows how to check every table:
// records decode, keys agree with records, indexes agree with both.
//
// Values are JSON behind a schema number (see JSON). Old records are migrated forward
// when they are read, and stored in the new form when they are next written. A record
// of a newer schema than the program knows is an error, never a guess.
package table
