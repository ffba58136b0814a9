package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
)

// urlFlag is the flag that says which server is meant.
func urlFlag(f *flag.FlagSet) *string {
	url := f.String("url", "http://"+app.DefaultListen, "the server")
	settings(f)
	return url
}

// status says how a server is: what /health and the state of its seal are.
func status(f *flag.FlagSet) runner {
	url := urlFlag(f)
	return func(ctx context.Context, out *output) error {
		answers := make(map[string]any)
		var rows [][]string
		for _, of := range []struct{ name, path string }{{"health", "/health"}, {"seal", "/v1/seal/status"}} {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(*url, "/")+of.path, nil)
			if err != nil {
				return err
			}
			answer, err := ask(req)
			if err != nil {
				return err
			}
			answers[of.name] = answer
			for _, k := range slices.Sorted(maps.Keys(answer)) {
				rows = append(rows, []string{of.name, k, fmt.Sprint(answer[k])})
			}
		}
		return out.show(answers, rows)
	}
}
