package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fastness/test/bench/contest"
)

// The pages that are compared: of all parameters below a path, and of the children of
// one. The first page, and one with half of them before it.
var pageKinds = []struct {
	name      string
	recursive bool
	middle    bool
}{
	{"first page, children", false, false},
	{"middle page, children", false, true},
	{"first page, recursive", true, false},
	{"middle page, recursive", true, true},
}

const (
	pagePath = "/bench/parameters"
	pageSize = 10 // the largest there is
)

// library is a server with many parameters below one path.
type library struct {
	*contest.Server
	size   int
	middle map[bool]string // token of the page in the middle, recursive or not
}

func libraryName(size int) string { return fmt.Sprintf("%d parameters", size) }

func (l *library) page(recursive bool, token string) ([]byte, error) {
	in := object{"Path": pagePath, "Recursive": recursive, "MaxResults": pageSize}
	if token != "" {
		in["NextToken"] = token
	}
	return json.Marshal(in)
}

const byPath = "AmazonSSM.GetParametersByPath"

// requests implements contest.Server.Requests.
func (l *library) requests(_ context.Context, op string, conns int) ([][]byte, error) {
	for _, k := range pageKinds {
		if k.name != op {
			continue
		}
		token := ""
		if k.middle {
			token = l.middle[k.recursive]
		}
		body, err := l.page(k.recursive, token)
		if err != nil {
			return nil, err
		}
		all := make([][]byte, conns)
		for i := range all {
			if all[i], err = l.Sign("ssm", contest.JSON11, byPath, body); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return nil, fmt.Errorf("no page is called %q", op)
}

// walk reads half of the pages, one after the other, and keeps the token of the next.
func (l *library) walk(ctx context.Context, recursive bool) error {
	token := ""
	for range l.size / pageSize / 2 {
		body, err := l.page(recursive, token)
		if err != nil {
			return err
		}
		var out struct {
			Parameters []struct{ Name string }
			NextToken  string
		}
		if err := l.Call(ctx, "ssm", byPath, json.RawMessage(body), &out); err != nil {
			return err
		}
		if len(out.Parameters) != pageSize || out.NextToken == "" {
			return fmt.Errorf("a page of %d parameters in the middle of %d", len(out.Parameters), l.size)
		}
		token = out.NextToken
	}
	l.middle[recursive] = token
	return nil
}

// startLibrary starts a fresh server and fills it. All parameters are of the Advanced
// tier, of which an account may have 100,000.
func startLibrary(ctx context.Context, s settings, dir string, size int) (*contest.Server, error) {
	server, err := contest.StartFastness(ctx, libraryName(size), s.fastness, dir)
	if err != nil {
		return server, err
	}
	l := &library{server, size, make(map[bool]string)}
	server.Requests = l.requests
	err = server.Flood(ctx, s.conns, size, func(i int) ([]byte, error) {
		body, err := json.Marshal(object{"Name": fmt.Sprintf("%s/service-%06d", pagePath, i), "Type": "String", "Value": value, "Tier": "Advanced"})
		if err != nil {
			return nil, err
		}
		return server.Sign("ssm", contest.JSON11, "AmazonSSM.PutParameter", body)
	})
	for _, recursive := range []bool{false, true} {
		if err == nil {
			err = l.walk(ctx, recursive)
		}
	}
	if err == nil {
		err = server.Settle(ctx)
	}
	return server, err
}

// measurePages compares pages with few and many parameters.
func measurePages(ctx context.Context, s settings, dir string) error {
	c := contest.Contest{Rounds: s.rounds, Window: s.window}
	defer c.Stop()
	sizes := []int{s.parameters / 100, s.parameters / 10, s.parameters}
	for _, size := range sizes {
		began := time.Now()
		if err := c.Enter(libraryName(size), func() (*contest.Server, error) {
			return startLibrary(ctx, s, filepath.Join(dir, fmt.Sprintf("pages-%d", size)), size)
		}); err != nil {
			return err
		}
		fmt.Printf("%d parameters are there after %v\n\n", size, time.Since(began).Round(100*time.Millisecond))
	}
	var results []contest.Result
	defer func() { contest.Print(os.Stdout, results, libraryName(sizes[0])) }()
	for _, k := range pageKinds {
		got, err := c.Compare(ctx, k.name, s.conns)
		results = append(results, got...)
		if err != nil {
			return err
		}
	}
	return nil
}
