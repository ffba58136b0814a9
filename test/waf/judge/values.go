package main

import (
	"bufio"
	"net/url"
	"os"
	"strconv"
	"strings"

	"fastness/test/waf/corpus"
)

// read reads a file of values, a line each, as it is or as a string of Go in quotation marks.
func read(name string) (all []corpus.Sample, err error) {
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
			all = append(all, corpus.Sample{Value: v, Class: corpus.XSS, Source: name})
		}
	}
	return all, sc.Err()
}

// parts are what of a sample an application may write into a page: the value, or what the arguments of a target are.
func parts(s *corpus.Sample) []string {
	if !s.Target {
		return []string{s.Value}
	}
	all := []string{s.Value}
	path, query, _ := strings.Cut(s.Value, "?")
	for arg := range strings.SplitSeq(query, "&") {
		if _, v, ok := strings.Cut(arg, "="); ok {
			all = append(all, v)
		}
	}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		if p, err := url.PathUnescape(path[i+1:]); err == nil && p != "" {
			all = append(all, p)
		}
	}
	return all
}
