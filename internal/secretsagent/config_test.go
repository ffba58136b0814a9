package secretsagent

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Names and forms as the AWS Secrets Manager Agent's documentation has them: numbers may
// be text.
const wholeFile = `
log_level = "DEBUG"
log_to_file = true
http_address = "127.0.0.2"
http_port = "2774"
region = "eu-central-1"
ttl_seconds = "0"
cache_size = 1
ssrf_headers = ["X-Token"]
ssrf_env_variables = ["MY_TOKEN"]
path_prefix = "/v2/"
max_conn = "1000"
ignore_transient_errors = false
validate_credentials = "false"
parameter_ttl_seconds = 3600
max_stale_seconds = 60
max_upstream_connections = 7
`

func TestConfigurationFile(t *testing.T) {
	c := DefaultConfig()
	if err := c.Read([]byte(wholeFile)); err != nil {
		t.Fatal(err)
	}
	want := Config{
		Address: netip.MustParseAddr("127.0.0.2"), Port: 2774, ParameterTTL: time.Hour, CacheSize: 1,
		MaxStale: time.Minute, TokenHeaders: []string{"X-Token"}, TokenVariables: []string{"MY_TOKEN"},
		PathPrefix: "/v2/", MaxConnections: 1000, MaxUpstream: 7, Region: "eu-central-1",
		LogLevel: slog.LevelDebug, LogToFile: true,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nwant %+v", c, want)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	c = DefaultConfig()
	if err := c.Read([]byte("ttl_seconds = 7")); err != nil || c.SecretTTL != 7*time.Second || c.ParameterTTL != 7*time.Second || c.Port != 2773 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestConfigurationFileIsRefused(t *testing.T) {
	for _, text := range []string{
		"unknown = 1", "http_port = 80", "http_port = 65536", `http_port = "x"`, "http_port = 1.5", "ttl_seconds = 3601", "ttl_seconds = -1",
		"cache_size = 0", "cache_size = 1001", "max_conn = 0", "max_conn = 1001", `log_level = "loud"`, `http_address = "0.0.0.0"`,
		`http_address = "10.0.0.1"`, "ignore_transient_errors = 2", "[section]\nx = 1", "= 1", `ssrf_headers = "X"`, "max_stale_seconds = 604801",
		"max_upstream_connections = 0", "http_port = [1]", strings.Repeat("#", MaxConfigBytes+1),
	} {
		c := DefaultConfig()
		if err := c.Read([]byte(text)); err == nil {
			t.Errorf("%.40q is taken", text)
		}
	}
	for _, text := range []string{"ssrf_headers = []", "ssrf_env_variables = []", `path_prefix = "v1"`} {
		c := DefaultConfig()
		if err := c.Read([]byte(text)); err != nil {
			t.Error(err)
		}
		if err := c.Validate(); err == nil {
			t.Errorf("%s is valid", text)
		}
	}
}

func TestEnvironmentOfTheExtension(t *testing.T) {
	environment := map[string]string{
		"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": "80", "PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE": "5",
		"PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "none", "PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS": "9",
		"SECRETS_MANAGER_TTL": "1", "SSM_PARAMETER_STORE_TTL": "2",
		"SECRETS_MANAGER_TIMEOUT_MILLIS": "3", "SSM_PARAMETER_STORE_TIMEOUT_MILLIS": "4",
	}
	lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }
	c, want := DefaultConfig(), DefaultConfig()
	want.Port, want.CacheSize, want.LogLevel, want.MaxUpstream = 80, 5, LevelNone, 9
	want.SecretTTL, want.ParameterTTL = time.Second, 2*time.Second
	want.SecretTimeout, want.ParameterTimeout = 3*time.Millisecond, 4*time.Millisecond
	if err := c.Environment(lookup); err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
	environment["PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED"] = "FALSE"
	if err := c.Environment(lookup); err != nil || c.CacheSize != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	environment["SECRETS_MANAGER_TTL"] = "hunter2"
	if err := c.Environment(lookup); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "SECRETS_MANAGER_TTL") {
		t.Error(err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(wholeFile))
	f.Add([]byte("ttl_seconds = \"1\"\nhttp_address=\"::1\""))
	f.Add([]byte("a.b=[{x=1979-05-27}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := DefaultConfig()
		if c.Read(text) != nil || c.Validate() != nil {
			return
		}
		if c.CacheSize > MaxCacheSize || c.SecretTTL > MaxTTL || !c.Address.IsLoopback() || c.Port < 1024 {
			t.Errorf("%+v", c)
		}
	})
}

func TestTokenIsFound(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	names := DefaultConfig().TokenVariables
	find := func(environment map[string]string) (string, error) {
		return FindToken(names, func(name string) (string, bool) { v, ok := environment[name]; return v, ok })
	}
	write(" from file\n", 0o640)
	for _, c := range []struct {
		environment map[string]string
		want        string
	}{
		{map[string]string{"AWS_TOKEN": "a", "AWS_SESSION_TOKEN": "b"}, "a"},
		{map[string]string{"AWS_SESSION_TOKEN": "b", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "c"}, "b"},
		{map[string]string{"AWS_CONTAINER_AUTHORIZATION_TOKEN": "c"}, "c"},
		{map[string]string{"AWS_TOKEN": "file://" + file}, "from file"},
		{map[string]string{"AWS_TOKEN": "", "AWS_SESSION_TOKEN": "b"}, "b"},
	} {
		if got, err := find(c.environment); err != nil || got != c.want {
			t.Errorf("%v: %q, %v", c.environment, got, err)
		}
	}
	for _, environment := range []map[string]string{nil, {"AWS_TOKEN": "file:///nonexistent"}, {"AWS_TOKEN": strings.Repeat("x", maxTokenBytes+1)}} {
		if got, err := find(environment); err == nil {
			t.Errorf("%.40q", got)
		}
	}
	for _, mode := range []os.FileMode{0o644, 0o660, 0o641, 0o740} {
		write("x", mode)
		if _, err := ReadToken(file); err == nil {
			t.Errorf("a token of mode %04o is taken", mode)
		}
	}
	for _, text := range []string{"", " \n", strings.Repeat("x", maxTokenBytes+1)} {
		write(text, 0o600)
		if _, err := ReadToken(file); err == nil {
			t.Errorf("%.40q is a token", text)
		}
	}
	if _, err := NewToken(""); err == nil {
		t.Error("the empty token is one")
	}
}

func TestLogFileIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "logs", "agent.log")
	l, err := OpenLogFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.max = 8
	for _, s := range []string{"1-abcd\n", "2-abcd\n", "3-abcd\n", "4-abcd\n", "5-abcd\n", "6-abcd\n"} {
		if _, err := l.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := filepath.Glob(name + "*")
	if err != nil || len(all) != logFiles {
		t.Errorf("%v, %v", all, err)
	}
	for suffix, want := range map[string]string{"": "6-abcd\n", ".1": "5-abcd\n", ".4": "2-abcd\n"} {
		if b, err := os.ReadFile(name + suffix); string(b) != want || err != nil {
			t.Errorf("%s: %q, %v", suffix, b, err)
		}
	}
}
