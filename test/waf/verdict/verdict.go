package verdict

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// Verdict is what a judge said of a value.
type Verdict string

// The verdicts of browsers, of databases, and of other interpreters, which have those of databases; Neither is everybody's.
const (
	// Runs: a script of it ran.
	Runs Verdict = "runs"
	// Leads: a page loads something because of it, or leads elsewhere.
	Leads Verdict = "leads"
	// Older: it has what scripts in one browser or another.
	Older Verdict = "older markup"
	// Shown: the answer is another one than that for a harmless value, or another effect is seen from outside.
	Shown Verdict = "shown"
	// Active: it changes the statement, which is carried out; it is run, or evaluated.
	Active Verdict = "carried out"
	// Possible: it changes the statement, which has names that there are none of; it would do something where there is something of a name.
	Possible Verdict = "possible"
	// Neither: nothing of these.
	Neither Verdict = "neither"
)

// All are all verdicts, in the order of tables.
var All = []Verdict{Runs, Leads, Older, Shown, Active, Possible, Neither}

// Confirmed tells whether a judge confirms that a value is an attack: what is possible is not confirmed.
func (v Verdict) Confirmed() bool { return v != Neither && v != Possible && v != "" }

// Hash names a value.
type Hash [sha256.Size]byte

// Of is the hash of a value of a class: of the class, a NUL and the value.
func Of(class, value string) Hash { return sha256.Sum256([]byte(class + "\x00" + value)) }

// Set has verdicts of values.
type Set map[Hash]Verdict

// Write writes the set, in the order of the hashes.
func (s Set) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, h := range slices.SortedFunc(maps.Keys(s), func(a, b Hash) int { return strings.Compare(string(a[:]), string(b[:])) }) {
		fmt.Fprintf(b, "%x\t%s\n", h, s[h])
	}
	return b.Flush()
}

// Read adds the verdicts that r has.
func (s Set) Read(r io.Reader) error {
	sc := bufio.NewScanner(r)
	for n := 1; sc.Scan(); n++ {
		name, v, ok := strings.Cut(sc.Text(), "\t")
		b, err := hex.DecodeString(name)
		if !ok || err != nil || len(b) != len(Hash{}) || !slices.Contains(All, Verdict(v)) {
			return fmt.Errorf("verdict: line %d is no hash and verdict", n)
		}
		s[Hash(b)] = Verdict(v)
	}
	return sc.Err()
}

// ReadFiles reads files of verdicts, with a comma between their names.
func ReadFiles(names string) (Set, error) {
	all := Set{}
	for name := range strings.SplitSeq(names, ",") {
		if name == "" {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		err = all.Read(f)
		_ = f.Close() // it was read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}
