package proxy

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"fastness/internal/engine/waf/request"
)

// echoSockets is a server of websockets that sends back what it gets.
func echoSockets(t testing.TB) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{"echo"}})
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 20)
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, b); err != nil {
				t.Errorf("the target could not answer: %v", err)
				return
			}
		}
	}
}

func TestWebsockets(t *testing.T) {
	for name, change := range map[string]func(*Config, *Options){"plain": func(*Config, *Options) {}, "TLS": secured(t)} {
		t.Run(name, func(t *testing.T) {
			seen := make(chan string, 10)
			r := start(t, baseConfig(targetOf(t, backend(t, echoSockets(t)).URL)), change, func(c *Config, o *Options) {
				inspected(c, o, func(r *request.Request, v *Verdict) error {
					seen <- r.Target
					if r.Target == "/blocked" {
						v.Act = Block
					}
					return nil
				})
			})
			ctx, cancel := context.WithTimeout(t.Context(), patienceOfTests)
			defer cancel()
			tr := &http.Transport{TLSClientConfig: insecureClient()}
			defer tr.CloseIdleConnections()
			scheme := map[string]string{"plain": "ws", "TLS": "wss"}[name]
			o := &websocket.DialOptions{HTTPClient: &http.Client{Transport: tr}, Subprotocols: []string{"echo"}}
			c, _, err := websocket.Dial(ctx, scheme+"://"+r.addr+"/chat?room=1", o)
			if err != nil {
				t.Fatal(err)
			}
			if got := <-seen; got != "/chat?room=1" || c.Subprotocol() != "echo" {
				t.Errorf("inspected %q, subprotocol %q", got, c.Subprotocol())
			}
			c.SetReadLimit(1 << 20)
			for _, size := range []int{0, 10, 100_000} {
				sent := bytes.Repeat([]byte("a"), size)
				if err := c.Write(ctx, websocket.MessageBinary, sent); err != nil {
					t.Fatal(err)
				}
				if _, got, err := c.Read(ctx); err != nil || !bytes.Equal(got, sent) {
					t.Fatalf("%d of %d bytes came back: %v", len(got), size, err)
				}
			}
			if n := r.Counters().Tunnels; n != 1 {
				t.Errorf("%d tunnels", n)
			}
			if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
				t.Errorf("closing: %v", err)
			}
			eventually(t, "the tunnel ends", func() bool { return r.Counters().Tunnels == 0 })
			_, res, err := websocket.Dial(ctx, scheme+"://"+r.addr+"/blocked", o)
			if err == nil || res.StatusCode != http.StatusForbidden {
				t.Errorf("a blocked handshake: %v", err)
			}
		})
	}
}

// A target that switches without having understood the handshake has not agreed to anything.
func TestRefusesAWrongSwitch(t *testing.T) {
	const handshake = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	for name, c := range map[string]struct {
		request, answer string
		status          int
	}{
		"right":      {handshake, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", 101},
		"no accept":  {handshake, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 502},
		"wrong":      {handshake, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", 502},
		"other":      {handshake, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", 502},
		"not asked":  {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 502},
		"refused":    {handshake, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n", 426},
		"switch 100": {handshake, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204},
	} {
		target := rawBackend(t, func(conn net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, c.answer+"hello")
		})
		r := start(t, baseConfig(target))
		conn := r.dial()
		conn.send(c.request)
		res, err := http.ReadResponse(conn.in, nil)
		if err != nil || res.StatusCode != c.status {
			t.Errorf("%s: %v %v", name, res, err)
			continue
		}
		if c.status == 101 {
			if b, err := io.ReadAll(conn.in); string(b) != "hello" {
				t.Errorf("%s: through the tunnel came %q, %v", name, b, err)
			}
		}
		if strings.HasPrefix(c.answer, "HTTP/1.1 101") && c.status == 502 && res.Header.Get("Upgrade") != "" {
			t.Errorf("%s: Upgrade was passed on", name)
		}
	}
}
