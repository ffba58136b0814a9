package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fastness/internal/engine/waf"
)

// benchRequest is what a browser sends for a page of a shop.
const benchRequest = "GET /shop/items/42?color=blue&size=xl&page=2&sort=price HTTP/1.1\r\nHost: shop.example\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\nReferer: https://shop.example/shop?page=1\r\nCookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark\r\n" +
	"Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Mode: navigate\r\n\r\n"

const benchBody = 1024

// benchTarget answers each request with the same bytes and allocates nothing for it.
func benchTarget(b *testing.B) Target {
	answer := []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nDate: Sun, 29 Nov 2026 19:00:00 GMT\r\nContent-Length: %d\r\n\r\n%s", benchBody, strings.Repeat("x", benchBody)))
	return rawBackend(b, func(c net.Conn) {
		buf := make([]byte, 8<<10)
		n := 0
		for {
			k, err := c.Read(buf[n:])
			if err != nil {
				return
			}
			if n += k; bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
				n = 0
				if _, err := c.Write(answer); err != nil {
					return
				}
			}
		}
	})
}

// benchClient sends the request and reads the answer, without allocations.
type benchClient struct {
	net.Conn
	in *bufio.Reader
}

func (c *benchClient) round(b *testing.B) {
	if _, err := io.WriteString(c, benchRequest); err != nil {
		b.Error(err)
		return
	}
	length := 0
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			b.Error(err)
			return
		}
		if len(line) == 2 {
			break
		}
		if bytes.HasPrefix(line, []byte("HTTP/1.1 ")) && line[9] != '2' {
			b.Errorf("%s", line)
		}
		if bytes.HasPrefix(line, []byte("Content-Length: ")) {
			length = benchBody
		}
	}
	if length == 0 {
		b.Error("no length")
		return
	}
	if _, err := c.in.Discard(length); err != nil {
		b.Error(err)
	}
}

// processorTime is what this process, and another one unless pid is 0, have used.
func processorTime(b *testing.B, pid int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	used := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	if pid == 0 {
		return used
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, field := range fields[11:13] { // in hundredths of a second
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		used += time.Duration(n) * 10 * time.Millisecond
	}
	return used
}

// benchAgainst measures requests through what listens at addr, in the process pid unless that
// is 0: one after another, and from several connections. The processor time is that of
// everybody: client, proxy and target.
func benchAgainst(b *testing.B, name, addr string, pid int) {
	dial := func() *benchClient {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		return &benchClient{c, bufio.NewReaderSize(c, 4<<10)}
	}
	b.Run(name, func(b *testing.B) {
		c := dial()
		defer c.Close()
		b.ReportAllocs()
		used := processorTime(b, pid)
		for b.Loop() {
			c.round(b)
		}
		b.ReportMetric(float64(processorTime(b, pid)-used)/1e3/float64(b.N), "cpu-µs/op")
	})
	b.Run(name+"/16", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(8)
		used := processorTime(b, pid)
		b.RunParallel(func(pb *testing.PB) {
			c := dial()
			defer c.Close()
			for pb.Next() {
				c.round(b)
			}
		})
		b.ReportMetric(float64(processorTime(b, pid)-used)/1e3/float64(b.N), "cpu-µs/op")
	})
}

// BenchmarkProxy compares a request through this proxy (without and with a web ACL that has
// nothing to say), through httputil.ReverseProxy, and through nginx.
func BenchmarkProxy(b *testing.B) {
	target := benchTarget(b)
	ours := start(b, baseConfig(target))
	judged := start(b, baseConfig(target), func(c *Config, o *Options) {
		c.LoadBalancers[0].WebACL = "acl"
		c.WebACLs = []WebACL{{ARN: "acl", ACL: waf.ACL{Name: "a", DefaultAction: waf.Action{Kind: waf.Allow}}}}
		o.Compile = NewEngine(waf.Options{}, nil).Compile
	})
	address := net.JoinHostPort(target.IP, strconv.Itoa(target.Port))
	u, err := url.Parse("http://" + address)
	if err != nil {
		b.Fatal(err)
	}
	proxied := httputil.NewSingleHostReverseProxy(u)
	proxied.Transport = &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	standard := httptest.NewServer(proxied)
	defer standard.Close()
	defer proxied.Transport.(*http.Transport).CloseIdleConnections()
	n := startNginx(b, `location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; access_log off; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }
	} upstream up { server `+address+`; keepalive 64;`)
	benchAgainst(b, "direct", address, 0)
	benchAgainst(b, "fastness", ours.addr, 0)
	benchAgainst(b, "fastness with web ACL", judged.addr, 0)
	benchAgainst(b, "ReverseProxy", strings.TrimPrefix(standard.URL, "http://"), 0)
	benchAgainst(b, "nginx", n.addr, n.pid)
}
