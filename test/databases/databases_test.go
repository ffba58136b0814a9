package databases

import "testing"

func TestServersStart(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *Server{
		"PostgreSQL": func(t testing.TB) *Server { return PostgreSQL(t) },
		"MariaDB":    func(t testing.TB) *Server { return MariaDB(t) },
		"Redis":      func(t testing.TB) *Server { return Redis(t) },
		"FerretDB":   func(t testing.TB) *Server { return FerretDB(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			if s.Log(t) == "" {
				t.Error("the server has logged nothing")
			}
		})
	}
}
