// Package timefmt reads and writes the three timestamp formats of AWS's protocols:
// seconds since 1970 as a decimal number, ISO 8601 (RFC 3339) and the HTTP date of
// RFC 7231.
//
// Reading is exact: a decimal with a fraction or an exponent is never rounded through
// a binary float. Times before year 1 or after year 9999 are refused, because no
// format could print them again.
package timefmt
