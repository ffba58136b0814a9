package clients

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// server is what the tests of this package talk to; TestMain starts it.
var server *process

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "fastness-clients-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if program, err = build(dir); err != nil {
		return 1, err
	}
	if server, err = start(program, dir); err != nil {
		return 1, err
	}
	code = m.Run()
	if err := server.stop(); err != nil {
		return 1, err
	}
	// Only a complete run can tell that an error was never seen.
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" {
		return 0, unseenErrors()
	}
	return code, nil
}

// program is the server's program, for tests that start one of their own.
var program string
