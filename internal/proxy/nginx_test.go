package proxy

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nginxServer is a real nginx that answers 200 to everything and logs each request.
type nginxServer struct {
	t    testing.TB
	log  string
	addr string
	pid  int
}

// startNginx starts an nginx whose server block holds more.
func startNginx(t testing.TB, more string) *nginxServer {
	t.Helper()
	binary, err := exec.LookPath("nginx")
	if err != nil {
		binary = "/usr/sbin/nginx"
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	n := &nginxServer{t: t, log: filepath.Join(dir, "access.log"), addr: addr}
	config := fmt.Sprintf(`
daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log warn;
events { worker_connections 1024; }
http {
	log_format one '$request_method $request_uri $server_protocol $request_length';
	access_log %[1]s/access.log one;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	underscores_in_headers on; keepalive_requests 100000; client_max_body_size 0;
	server { listen %[2]s; %[3]s }
}`, dir, addr, more)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-p", dir, "-c", file)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.pid = cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, "nginx listens", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return n
}

// until returns what was logged once a request for uri is among it.
func (n *nginxServer) until(uri string) []string {
	n.t.Helper()
	var lines []string
	eventually(n.t, "nginx logs "+uri, func() bool {
		b, err := os.ReadFile(n.log)
		if err != nil {
			return false
		}
		lines = strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		return strings.Contains(string(b), " "+uri+" ")
	})
	return lines
}
