// Package pagetest has what tests need to seal tokens of listings and sessions without a
// keyring.
package pagetest
