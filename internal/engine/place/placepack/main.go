// Command placepack makes the packed tables that package place embeds, from files of
// ip-location-db:
//
//	npm pack @ip-location-db/geo-whois-asn-country-mmdb @ip-location-db/asn
//	go run ./placepack -country geo-whois-asn-country.mmdb -asn asn-ipv4.csv,asn-ipv6.csv -out data
//
// A table whose source is not named is left as it is. Change data/NOTICE with the versions.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fastness/internal/engine/place"
)

func main() {
	country := flag.String("country", "", "MaxMind database `file` of countries")
	asn := flag.String("asn", "", "CSV `files` of AS numbers, separated by commas")
	out := flag.String("out", "data", "`directory` of the packed tables")
	flag.Parse()
	if err := run(*country, *asn, *out); err != nil {
		fmt.Fprintln(os.Stderr, "placepack:", err)
		os.Exit(1)
	}
}

func run(country, asn, out string) error {
	if country != "" {
		t, err := place.ReadCountries(country)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(out, "country.packed"), t.Pack); err != nil {
			return err
		}
	}
	if asn != "" {
		t, err := place.ReadASNRanges(strings.Split(asn, ",")...)
		if err != nil {
			return err
		}
		return write(filepath.Join(out, "asn.packed"), t.Pack)
	}
	return nil
}

func write(file string, pack func() ([]byte, error)) error {
	packed, err := pack()
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes\n", file, len(packed))
	return os.WriteFile(file, packed, 0o644)
}
