package main

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"fastness/test/waf/corpus"
)

// read reads a file of values, a line each, as it is or as a string of Go in quotation marks.
func read(name string, class corpus.Class) (all []corpus.Sample, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		v := sc.Text()
		if strings.HasPrefix(v, `"`) {
			if u, err := strconv.Unquote(v); err == nil {
				v = u
			}
		}
		if v != "" {
			all = append(all, corpus.Sample{Value: v, Class: class, Source: name})
		}
	}
	return all, sc.Err()
}

// parts are what of a sample an application may take and write somewhere: the value, or of a whole request the arguments of its target and
// of its body, the strings of JSON and the values of fields.
func parts(s *corpus.Sample) []string {
	if !s.Target {
		return []string{s.Value}
	}
	path, query, _ := strings.Cut(s.Value, "?")
	all := append([]string{s.Value}, arguments(query)...)
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		if p, err := url.PathUnescape(path[i+1:]); err == nil && p != "" {
			all = append(all, p)
		}
	}
	for _, f := range s.Fields {
		all = append(all, f[1])
		if strings.EqualFold(f[0], "Cookie") {
			all = append(all, arguments(strings.ReplaceAll(f[1], "; ", "&"))...)
		}
	}
	if s.Body != "" {
		all = append(all, s.Body)
		var document any
		if json.Unmarshal([]byte(s.Body), &document) == nil {
			all = leaves(all, document)
		} else {
			all = append(all, arguments(s.Body)...)
		}
	}
	return all
}

// arguments are the values of a query or a form, as they are; their readings are decoded.
func arguments(query string) (all []string) {
	for arg := range strings.SplitSeq(query, "&") {
		if _, v, ok := strings.Cut(arg, "="); ok && v != "" {
			all = append(all, strings.ReplaceAll(v, "+", " "))
		}
	}
	return all
}

// leaves adds the strings of a document of JSON, names too.
func leaves(all []string, document any) []string {
	switch d := document.(type) {
	case string:
		all = append(all, d)
	case []any:
		for _, x := range d {
			all = leaves(all, x)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(d)) {
			all = leaves(append(all, k), d[k])
		}
	}
	return all
}
