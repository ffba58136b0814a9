// Package scalar reads and writes single values as text, the way forms, XML elements,
// headers, query parameters and path labels carry them.
package scalar
