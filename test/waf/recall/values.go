package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/test/waf/corpus"
)

// maxLine is the longest line of a file of values, in bytes.
const maxLine = 1 << 20

// sendValues sends each value of a file, a line each (as it is, or as a string of Go in quotation marks), at a place as it
// is, and prints those that pass and how many do not.
func sendValues(program *waf.Program, o options, out io.Writer) error {
	f, err := os.Open(o.values)
	if err != nil {
		return err
	}
	defer f.Close()
	scratch := waf.NewScratch(request.DefaultLimits())
	n, blocked := 0, 0
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, maxLine)
	for sc.Scan() {
		s := corpus.Sample{Value: sc.Text()}
		if strings.HasPrefix(s.Value, `"`) {
			if v, err := strconv.Unquote(s.Value); err == nil {
				s.Value = v
			}
		}
		if s.Value == "" || !corpus.Fits(corpus.Place(o.place), corpus.AsIs, s.Value) {
			continue
		}
		r := placed(&s, o.place)
		v, err := program.Evaluate(r, nil, scratch)
		if err != nil {
			return err
		}
		n++
		if v.Action == waf.Block {
			blocked++
			continue
		}
		fmt.Fprintf(out, "%q\n", s.Value)
	}
	fmt.Fprintf(os.Stderr, "%d values, %d blocked\n", n, blocked)
	return sc.Err()
}

// placed makes a request that has a value at a place of package corpus, or as its target, or, at "body TYPE", as its whole body.
func placed(s *corpus.Sample, place string) *request.Request {
	r := s.At(corpus.Place(place), corpus.AsIs)
	if media, is := strings.CutPrefix(place, "body "); is {
		r.Method, r.Target, r.Body = "POST", "/submit", []byte(s.Value)
		r.Fields = append(r.Fields[:len(r.Fields):len(r.Fields)], request.Field{Name: "Content-Type", Value: media})
	} else if place == "target" {
		r.Target = s.Value
	}
	return r
}
