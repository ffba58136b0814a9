//go:build fips

//go:debug fips140=only

package main
