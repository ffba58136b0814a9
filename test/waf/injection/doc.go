// Package injection asks real databases whether a value is an injection: it is put into statements as a careless
// application does, and the database tells whether it runs them, and whether they answer otherwise than with a
// harmless value.
package injection
