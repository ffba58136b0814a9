package place

import (
	_ "embed"
	"net/netip"
)

// Countries tells the country of an address.
type Countries struct{ t *table }

// ASNs tells the autonomous system of an address.
type ASNs struct{ t *table }

// Database is both.
type Database struct {
	Countries
	ASNs
}

// Country is the ISO 3166-1 alpha-2 code of the country that an address is in, in upper
// case, "" if that is not known.
func (c Countries) Country(a netip.Addr) string {
	name := c.t.name(a)
	return name[:min(len(name), 2)]
}

// Region is the ISO 3166-2 code of the region that an address is in, like "US-CA", "" if
// that is not known. The tables that the binary carries know none.
func (c Countries) Region(a netip.Addr) string {
	if name := c.t.name(a); len(name) > 2 {
		return name
	}
	return ""
}

// ASN is the number of the autonomous system that announces an address, 0 if that is not
// known.
func (s ASNs) ASN(a netip.Addr) uint32 { return s.t.value(a) }

//go:embed data/country.packed
var packedCountries []byte

//go:embed data/asn.packed
var packedASNs []byte

// Embedded unpacks the tables that the binary carries, which takes some tens of
// milliseconds and 10 MB.
func Embedded() (*Database, error) {
	countries, err := unpack(packedCountries)
	if err != nil {
		return nil, err
	}
	asns, err := unpack(packedASNs)
	if err != nil {
		return nil, err
	}
	return &Database{Countries{countries}, ASNs{asns}}, nil
}

// Notice is what the licences of the embedded data ask to be told.
//
//go:embed data/NOTICE
var Notice string
