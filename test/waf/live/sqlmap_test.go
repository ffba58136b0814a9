package live

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fastness/test/databases"
	"fastness/test/waf/shop"
)

// sqlmap attacks a page and returns what it says and every file that it has written; false if it got nothing. It is
// bounded in time: who gets nothing in that time has got nothing.
func sqlmap(t *testing.T, within time.Duration, args ...string) (said, files string) {
	t.Helper()
	program := lookFor(t, "sqlmap", "sqlmap", "/usr/bin/sqlmap")
	dir := t.TempDir()
	args = append([]string{
		"--batch", "--disable-coloring", "--output-dir=" + dir, "--threads=4", "--timeout=10", "--retries=0", "--ignore-code=403,500", "--skip-waf",
		"--dbms=mysql", "-D", "shop", "-T", "customers", "--dump",
	}, args...)
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, 5*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(within, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	_ = cmd.Wait() // it fails when it finds nothing
	var all strings.Builder
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out.String(), all.String()
}

// TestSQLMapGetsNothing has sqlmap dump a table of an application that can be injected into: without the proxy it
// does, through the proxy it gets no row.
func TestSQLMapGetsNothing(t *testing.T) {
	db := databases.MariaDB(t)
	if _, err := connect(t, db, "").Exec("CREATE DATABASE shop"); err != nil {
		t.Fatal(err)
	}
	catalogue := shop.Catalogue{DB: connect(t, db, "shop")}
	if err := catalogue.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	open := serve(t, catalogue)
	p := startProxy(t, behind(t, open, everyGroup(t)))
	// The name counts, not the address: applications are not asked for by numbers.
	guarded := p.addr("site")
	host := "--host=www.shop.example"

	t.Run("the application works through the proxy", func(t *testing.T) { usesCatalogue(t, guarded) })

	ways := [][]string{
		{"--level=2", "--risk=2"},
		{"--tamper=space2comment,between,charencode"},
		{"--tamper=charunicodeescape,randomcase,space2mysqldash"},
	}
	got := false
	for _, attack := range []struct {
		name string
		args []string
		ways []int
	}{
		{"number", []string{"-u", "http://ADDR/product?id=1", "-p", "id"}, []int{0, 1}},
		{"string", []string{"-u", "http://ADDR/find?q=lamp", "-p", "q"}, []int{1, 2}},
		{"form", []string{"-u", "http://ADDR/enter", "--data=name=anne&password=x", "-p", "password"}, []int{2, 0}},
	} {
		at := func(addr string, more ...string) []string {
			var args []string
			for _, a := range attack.args {
				args = append(args, strings.ReplaceAll(a, "ADDR", addr))
			}
			return append(append(args, host), more...)
		}
		said, files := sqlmap(t, patience, at(open)...)
		if !strings.Contains(said+files, shop.Secret) {
			t.Errorf("%s: sqlmap gets nothing from the open application, so what it does not get through the proxy shows nothing:\n%s", attack.name, said)
			continue
		}
		got = true
		for _, n := range attack.ways {
			way := append([]string{"--random-agent"}, ways[n]...)
			said, files := sqlmap(t, 25*time.Second, at(guarded, way...)...)
			if strings.Contains(said+files, shop.Secret) || strings.Contains(said+files, "tea-and-cake") {
				t.Errorf("%s: through the proxy, with %v, sqlmap gets rows:\n%s", attack.name, way, said)
			}
		}
	}
	if !got {
		t.Error("nothing was shown")
	}
}

// usesCatalogue are the application's own tests: what customers do.
func usesCatalogue(t *testing.T, addr string) {
	t.Helper()
	client := &http.Client{Timeout: patience}
	ask := func(r *http.Request, err error) (int, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "www.shop.example"
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		a, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a.StatusCode, string(b)
	}
	for path, want := range map[string]string{
		"/product?id=3":                     "Table lamp",
		"/find?q=rock+%26+roll":             "Rock &amp; roll",
		"/find?q=":                          "Union jack",
		"/find?q=union":                     "Union jack",
		"/find?q=table+lamp":                "Table lamp",
		"/find?q=" + url.QueryEscape("SQL"): "O&#39;Reilly",
	} {
		if status, body := ask(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for form, want := range map[string]bool{"name=anne&password=" + shop.Secret: true, "name=anne&password=wrong": false, "name=sean&password=tea-and-cake": true} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/enter", strings.NewReader(form))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if status, body := ask(r, err); status != 200 || strings.Contains(body, "welcome") != want {
			t.Errorf("%s: %d %s", form, status, body)
		}
	}
}
