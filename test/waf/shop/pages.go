package shop

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

//go:embed pages
var files embed.FS

var templates = template.Must(template.ParseFS(files, "pages/*.html"))

// bounds of what is taken, in bytes.
const (
	maxForm   = 1 << 20
	maxUpload = 8 << 20
)

// shop is the state of one Pages.
type shop struct {
	mu       sync.Mutex
	accounts map[string]string // password by name
	articles map[string]string // HTML of the editor, by title
	items    map[string]json.RawMessage
	next     int
}

// Pages is an application without a database. It is safe for concurrent use.
func Pages() http.Handler {
	s := &shop{accounts: map[string]string{}, articles: map[string]string{}, items: map[string]json.RawMessage{}}
	mux := http.NewServeMux()
	for _, page := range []string{"register", "login", "comment", "upload", "editor", "board", "checkout", "graphql", "import", "chat", "settings", "docs"} {
		mux.HandleFunc("GET /"+page, func(w http.ResponseWriter, r *http.Request) { show(w, page, nil) })
	}
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /search", s.search)
	mux.HandleFunc("POST /register", s.register)
	mux.HandleFunc("POST /login", s.login)
	for _, form := range []string{"comment", "checkout", "settings", "docs"} {
		mux.HandleFunc("POST /"+form, s.echo)
	}
	mux.HandleFunc("POST /upload", s.upload)
	mux.HandleFunc("POST /import", s.load)
	mux.HandleFunc("POST /editor", s.edit)
	mux.HandleFunc("GET /article", s.article)
	mux.HandleFunc("POST /api/items", s.create)
	mux.HandleFunc("GET /api/items", s.list)
	mux.HandleFunc("GET /api/items/{id}", s.item)
	mux.HandleFunc("PUT /api/items/{id}", s.item)
	mux.HandleFunc("PATCH /api/items/{id}", s.item)
	mux.HandleFunc("DELETE /api/items/{id}", s.item)
	mux.HandleFunc("POST /graphql", s.graphql)
	mux.HandleFunc("POST /collect", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxForm))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /oauth/callback", func(w http.ResponseWriter, r *http.Request) { show(w, "kept", pairs(r)) })
	mux.HandleFunc("GET /chat/socket", s.chat)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}

func show(w http.ResponseWriter, page string, data any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, page+".html", data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

// pair is a field of a form as it was given.
type pair struct{ Name, Value string }

func pairs(r *http.Request) (all []pair) {
	for name, values := range r.Form {
		for _, v := range values {
			all = append(all, pair{name, v})
		}
	}
	if r.Form == nil {
		for name, values := range r.URL.Query() {
			for _, v := range values {
				all = append(all, pair{name, v})
			}
		}
	}
	return all
}

// home sets the cookies that shops set: a session, what visitors agreed to, a cart, marks of analytics.
func (s *shop) home(w http.ResponseWriter, r *http.Request) {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT","kid":"2024-09"}`))
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://id.shop.example/","sub":"auth0|64f1c2","aud":["https://api.shop.example","https://shop.example/userinfo"],"iat":1764450000,"exp":1764453600,"scope":"openid profile email read:orders update:cart","name":"Seán O'Brien"}`))
	signature := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xa5, 0x3c, 0x7e, 0x11}, 8))
	for name, value := range map[string]string{
		"session":         header + "." + claims + "." + signature,
		"consent":         "%7B%22stamp%22%3A%22Kx0%2Fp9%3D%3D%22%2C%22necessary%22%3Atrue%2C%22preferences%22%3Afalse%2C%22statistics%22%3Atrue%2C%22ver%22%3A1%2C%22utc%22%3A1764450000000%7D",
		"cart":            base64.StdEncoding.EncodeToString([]byte(`[{"id":17,"n":2,"note":"gift for Anne-Marie & co."},{"id":4,"n":1}]`)),
		"_ga":             "GA1.2.1718281828.1764450000",
		"_ga_XYZ123":      "GS1.1.1764450000.3.1.1764450123.58.0.0",
		"_fbp":            "fb.1.1764450000000.1098115397",
		"utm":             "source=newsletter|medium=email|campaign=(not set)|term=%28none%29",
		"recently_viewed": strings.Repeat("product-1234-some-long-name%2C", 60),
	} {
		w.Header().Add("Set-Cookie", name+"="+value+"; Path=/; SameSite=Lax")
	}
	show(w, "home", nil)
}

func (s *shop) search(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	show(w, "search", map[string]any{"Query": r.FormValue("q"), "Cookies": len(r.Cookies())})
}

func (s *shop) form(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// echo shows a form as it came.
func (s *shop) echo(w http.ResponseWriter, r *http.Request) {
	if s.form(w, r) {
		show(w, "kept", pairs(r))
	}
}

func (s *shop) register(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	s.mu.Lock()
	s.accounts[r.FormValue("email")] = r.FormValue("password")
	s.mu.Unlock()
	show(w, "kept", pairs(r))
}

func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	s.mu.Lock()
	known := s.accounts[r.FormValue("email")] == r.FormValue("password")
	s.mu.Unlock()
	if !known {
		show(w, "login", "This is not right.")
		return
	}
	to := r.FormValue("next")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		to = "/"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// upload shows names, types and lengths of files.
func (s *shop) upload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	if err := r.ParseMultipartForm(maxUpload); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	kept := pairs(r)
	for _, f := range r.MultipartForm.File["file"] {
		kept = append(kept, pair{f.Filename, fmt.Sprintf("%s, %d bytes", f.Header.Get("Content-Type"), f.Size)})
	}
	show(w, "kept", kept)
}

// load reads CSV, as a file or as text.
func (s *shop) load(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	if err := r.ParseMultipartForm(maxUpload); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	var in io.Reader = strings.NewReader(r.FormValue("text"))
	if f, _, err := r.FormFile("file"); err == nil {
		defer f.Close()
		in = f
	}
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var kept []pair
	for _, row := range rows {
		kept = append(kept, pair{row[0], strings.Join(row[1:], " | ")})
	}
	show(w, "kept", kept)
}

// read is the JSON that a request has.
func read(w http.ResponseWriter, r *http.Request, to any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm)).Decode(to); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *shop) edit(w http.ResponseWriter, r *http.Request) {
	var a struct{ Title, Body string }
	if !read(w, r, &a) {
		return
	}
	s.mu.Lock()
	s.articles[a.Title] = a.Body
	s.mu.Unlock()
	answer(w, http.StatusCreated, map[string]int{"length": len(a.Body)})
}

func (s *shop) article(w http.ResponseWriter, r *http.Request) {
	title := r.FormValue("title")
	s.mu.Lock()
	body := s.articles[title]
	s.mu.Unlock()
	show(w, "kept", []pair{{title, body}})
}

func (s *shop) create(w http.ResponseWriter, r *http.Request) {
	var item json.RawMessage
	if !read(w, r, &item) {
		return
	}
	s.mu.Lock()
	s.next++
	id := fmt.Sprint(s.next)
	s.items[id] = item
	s.mu.Unlock()
	answer(w, http.StatusCreated, map[string]string{"id": id})
}

func (s *shop) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, http.StatusOK, s.items)
}

// item reads, replaces, merges and deletes one.
func (s *shop) item(w http.ResponseWriter, r *http.Request) {
	var given json.RawMessage
	if (r.Method == http.MethodPut || r.Method == http.MethodPatch) && !read(w, r, &given) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("id")
	have, ok := s.items[id]
	if !ok {
		http.NotFound(w, r)
		return
	}
	switch r.Method {
	case http.MethodPut:
		s.items[id] = given
	case http.MethodPatch:
		var all map[string]json.RawMessage
		if json.Unmarshal(have, &all) != nil || json.Unmarshal(given, &all) != nil {
			http.Error(w, "no object", http.StatusBadRequest)
			return
		}
		merged, err := json.Marshal(all)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		s.items[id] = merged
	case http.MethodDelete:
		delete(s.items, id)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, http.StatusOK, s.items[id])
}

// graphql answers every query with its operation and variables: the test looks at what arrived.
func (s *shop) graphql(w http.ResponseWriter, r *http.Request) {
	var q struct {
		OperationName string
		Query         string
		Variables     map[string]any
	}
	if !read(w, r, &q) {
		return
	}
	answer(w, http.StatusOK, map[string]any{"data": map[string]any{"operation": q.OperationName, "length": len(q.Query), "variables": q.Variables}})
}

// chat echoes messages.
func (s *shop) chat(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat.v1"}})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			var closed websocket.CloseError
			if errors.As(err, &closed) {
				_ = conn.Close(websocket.StatusNormalClosure, "")
			}
			return
		}
		if err := conn.Write(r.Context(), kind, append([]byte("you: "), message...)); err != nil {
			return
		}
	}
}
