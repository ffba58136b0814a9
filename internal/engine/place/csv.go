package place

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// ReadASNRanges makes a table of CSV files of ip-location-db, each line of which begins
// with the first and last address of a range and an AS number. The lines of each file are
// in order of their first addresses; where two ranges overlap, as once in half a million
// lines, the earlier one counts.
func ReadASNRanges(files ...string) (ASNs, error) {
	b := newBuilder()
	for _, file := range files {
		if err := b.addRanges(file); err != nil {
			return ASNs{}, err
		}
	}
	return ASNs{b.finish()}, nil
}

func (b *builder) addRanges(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("place: %w", err)
	}
	defer f.Close()
	var end netip.Addr // the last address of the last range
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fields := strings.SplitN(lines.Text(), ",", 4)
		if len(fields) < 3 {
			return fmt.Errorf("place: %s:%d: not a range and a number", file, n)
		}
		first, err := netip.ParseAddr(fields[0])
		if err != nil {
			return fmt.Errorf("place: %s:%d: %w", file, n, err)
		}
		last, err := netip.ParseAddr(fields[1])
		if err != nil {
			return fmt.Errorf("place: %s:%d: %w", file, n, err)
		}
		number, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			return fmt.Errorf("place: %s:%d: %w", file, n, err)
		}
		if end.IsValid() && end.Is4() == first.Is4() && end.Compare(first) >= 0 {
			if first = end.Next(); last.Less(first) || !first.IsValid() {
				continue
			}
		}
		if err := b.add(first, last, uint32(number)); err != nil {
			return fmt.Errorf("%w (%s:%d)", err, file, n)
		}
		end = last
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("place: %s: %w", file, err)
	}
	return nil
}
