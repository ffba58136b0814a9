package shop

import (
	"context"
	"database/sql"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// Secret is in a row of customers that no page of the catalogue is meant to show.
const Secret = "c0nfidential-card-4929-3813"

// Catalogue is an application of three pages that build SQL by putting strings together, each in another
// way, against MariaDB: a number, a string in LIKE, and a form with a login. Fill makes its tables.
//
// It shows why a firewall is wanted, and is as bad as it looks.
type Catalogue struct{ DB *sql.DB }

// Fill makes and fills the tables products and customers.
func (c Catalogue) Fill(ctx context.Context) error {
	for _, q := range []string{
		"CREATE TABLE products (id INT PRIMARY KEY, name VARCHAR(100), price DECIMAL(8,2))",
		"INSERT INTO products VALUES (1, 'Rock & roll', 9.90), (2, 'O''Reilly: SQL', 39.00), (3, 'Table lamp', 24.50), (4, 'Union jack', 5.00)",
		"CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(100), password VARCHAR(100))",
		"INSERT INTO customers VALUES (1, 'anne', '" + Secret + "'), (2, 'sean', 'tea-and-cake')",
	} {
		if _, err := c.DB.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// ServeHTTP serves GET /product?id=, GET /find?q= and POST /enter with name and password.
func (c Catalogue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var query string
	switch {
	case r.URL.Path == "/product":
		query = "SELECT id, name, price FROM products WHERE id = " + r.FormValue("id")
	case r.URL.Path == "/find":
		query = "SELECT id, name, price FROM products WHERE name LIKE '%" + r.FormValue("q") + "%' ORDER BY id"
	case r.URL.Path == "/enter" && r.Method == http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		query = "SELECT id, name, 'welcome' FROM customers WHERE name = '" + r.FormValue("name") + "' AND password = '" + r.FormValue("password") + "'"
	default:
		http.NotFound(w, r)
		return
	}
	rows, err := c.DB.QueryContext(r.Context(), query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer rows.Close()
	var page strings.Builder
	page.WriteString("<!DOCTYPE html><title>Catalogue</title><ul>")
	for rows.Next() {
		var id, name, price sql.NullString
		if err := rows.Scan(&id, &name, &price); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(&page, "<li>%s: %s, %s</li>", html.EscapeString(id.String), html.EscapeString(name.String), html.EscapeString(price.String))
	}
	if err := rows.Err(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	page.WriteString("</ul>")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(page.String()))
}
