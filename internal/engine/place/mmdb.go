package place

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// ReadCountries makes a table of a MaxMind database file of countries or cities: GeoLite2 and
// GeoIP2 (country.iso_code, else registered_country.iso_code, with the first subdivision),
// DB-IP (the same), IPinfo (country) and ip-location-db (country_code).
func ReadCountries(file string) (Countries, error) {
	t, err := readMMDB(file, func(b *builder, r *maxminddb.Result) uint32 {
		for _, path := range countryPaths {
			var code string
			if err := r.DecodePath(&code, path...); err != nil || len(code) != 2 {
				continue // another kind of file, or a map where this one has a string
			}
			code = strings.ToUpper(code)
			var part string
			if err := r.DecodePath(&part, "subdivisions", 0, "iso_code"); err == nil && part != "" {
				code += "-" + strings.TrimPrefix(part, code+"-")
			}
			return b.id(code)
		}
		return 0
	})
	return Countries{t}, err
}

var countryPaths = [][]any{
	{"country", "iso_code"}, {"country_code"}, {"country"}, {"registered_country", "iso_code"},
}

// ReadASNs makes a table of a MaxMind database file of autonomous systems: GeoLite2 and DB-IP
// (autonomous_system_number) and IPinfo (asn, "AS64496").
func ReadASNs(file string) (ASNs, error) {
	t, err := readMMDB(file, func(_ *builder, r *maxminddb.Result) uint32 {
		var number uint32
		if err := r.DecodePath(&number, "autonomous_system_number"); err == nil && number != 0 {
			return number
		}
		var name string
		if err := r.DecodePath(&name, "asn"); err == nil {
			n, err := strconv.ParseUint(strings.TrimPrefix(name, "AS"), 10, 32)
			if err == nil {
				return uint32(n)
			}
		}
		return 0
	})
	return ASNs{t}, err
}

// readMMDB makes a table of all networks of a file.
func readMMDB(file string, value func(b *builder, r *maxminddb.Result) uint32) (*table, error) {
	r, err := maxminddb.Open(file)
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	defer r.Close()
	b := newBuilder()
	known := false
	read := map[uintptr]uint32{} // networks share their data
	for result := range r.Networks() {
		if err := result.Err(); err != nil {
			return nil, fmt.Errorf("place: %s: %w", file, err)
		}
		v, ok := read[result.Offset()]
		if !ok {
			v = value(b, &result)
			read[result.Offset()] = v
		}
		known = known || v != 0
		first, last := ends(result.Prefix())
		if err := b.add(first, last, v); err != nil {
			return nil, fmt.Errorf("%w in %s", err, file)
		}
		if len(b.t.starts4)+len(b.t.starts6) > 2*maxStarts {
			return nil, fmt.Errorf("place: %s has more than %d networks", file, 2*maxStarts)
		}
	}
	if !known {
		return nil, fmt.Errorf("place: %s (%s) knows nothing of what is asked of it", file, r.Metadata.DatabaseType)
	}
	return b.finish(), nil
}

// ends are the first and last address of a network.
func ends(p netip.Prefix) (first, last netip.Addr) {
	p = p.Masked()
	first = p.Addr()
	if first.Is4() {
		b := first.As4()
		v := binary.BigEndian.Uint32(b[:]) | uint32(math.MaxUint32>>p.Bits())
		binary.BigEndian.PutUint32(b[:], v)
		return first, netip.AddrFrom4(b)
	}
	b := first.As16()
	for i := p.Bits(); i < 128; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return first, netip.AddrFrom16(b)
}
