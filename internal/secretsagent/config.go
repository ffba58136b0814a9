package secretsagent

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// MaxConfigBytes bounds a configuration file.
const MaxConfigBytes = 64 << 10

// LevelNone is the log level that logs nothing.
const LevelNone = slog.Level(math.MaxInt)

// Bounds of settings.
const (
	MaxTTL       = time.Hour
	MaxCacheSize = 1000
	// MaxConnectionsLimit bounds Config.MaxConnections.
	MaxConnectionsLimit = 1000
	// MaxMaxStale bounds Config.MaxStale.
	MaxMaxStale = 7 * 24 * time.Hour
)

// Config are the settings of the agent. DefaultConfig has the values that apply when
// nothing is said.
type Config struct {
	// Address to listen on: loopback only.
	Address netip.Addr
	// Port to listen on. 0 takes a free one.
	Port uint16
	// SecretTTL and ParameterTTL are for how long an answer is fresh, 0 to MaxTTL. 0:
	// nothing is kept.
	SecretTTL, ParameterTTL time.Duration
	// CacheSize is how many answers are kept, 0 to MaxCacheSize. 0: none.
	CacheSize int
	// MaxStale is for how long after its TTL an answer is kept, to be served while
	// upstream cannot be reached; at most MaxMaxStale.
	MaxStale time.Duration
	// IgnoreTransientErrors false: an error of upstream is passed on, always.
	IgnoreTransientErrors bool
	// TokenHeaders are the headers that may hold the token.
	TokenHeaders []string
	// TokenVariables are the environment variables that may hold the token, in order.
	TokenVariables []string
	// PathPrefix begins the paths that name a secret. It begins with "/".
	PathPrefix string
	// MaxConnections bounds the connections of clients, 1 to MaxConnectionsLimit.
	MaxConnections int
	// MaxUpstream bounds the connections to each API, at least 1.
	MaxUpstream int
	// SecretTimeout and ParameterTimeout bound requests to the APIs; 0: one minute.
	SecretTimeout, ParameterTimeout time.Duration
	// Region of upstream, if it is not to come from the environment.
	Region string
	// ValidateCredentials asks STS at the start whose the credentials are.
	ValidateCredentials bool
	LogLevel            slog.Level
	// LogToFile logs to logs/secrets_manager_agent.log instead of standard error.
	LogToFile bool
}

// DefaultConfig returns the defaults, which are those of the AWS Secrets Manager Agent
// and of the Lambda extension, but for two: logs go to standard error, and old values
// are served for a day and not for ever.
func DefaultConfig() Config {
	return Config{
		Address: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Port: 2773,
		SecretTTL: 300 * time.Second, ParameterTTL: 300 * time.Second, CacheSize: 1000,
		MaxStale: 24 * time.Hour, IgnoreTransientErrors: true,
		TokenHeaders:   []string{"X-Aws-Parameters-Secrets-Token", "X-Vault-Token"},
		TokenVariables: []string{"AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"},
		PathPrefix:     "/v1/", MaxConnections: 800, MaxUpstream: 3,
		ValidateCredentials: true, LogLevel: slog.LevelInfo,
	}
}

// scalar is a TOML value that may be written as a string: the AWS Secrets Manager Agent
// takes numbers and booleans in both ways.
type scalar struct{ text *string }

// UnmarshalTOML implements toml.Unmarshaler.
func (s *scalar) UnmarshalTOML(v any) error {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	case bool:
		text = strconv.FormatBool(v)
	default:
		return errors.New("not a string, a whole number or a boolean")
	}
	s.text = &text
	return nil
}

// configFile is a configuration file. All but the last three names are those of the AWS
// Secrets Manager Agent.
type configFile struct {
	LogLevel              *string  `toml:"log_level"`
	LogToFile             scalar   `toml:"log_to_file"`
	HTTPAddress           *string  `toml:"http_address"`
	HTTPPort              scalar   `toml:"http_port"`
	TTLSeconds            scalar   `toml:"ttl_seconds"`
	CacheSize             scalar   `toml:"cache_size"`
	SSRFHeaders           []string `toml:"ssrf_headers"`
	SSRFEnvVariables      []string `toml:"ssrf_env_variables"`
	PathPrefix            *string  `toml:"path_prefix"`
	MaxConn               scalar   `toml:"max_conn"`
	Region                *string  `toml:"region"`
	IgnoreTransientErrors scalar   `toml:"ignore_transient_errors"`
	ValidateCredentials   scalar   `toml:"validate_credentials"`
	ParameterTTLSeconds   scalar   `toml:"parameter_ttl_seconds"`
	MaxStaleSeconds       scalar   `toml:"max_stale_seconds"`
	MaxUpstream           scalar   `toml:"max_upstream_connections"`
}

// Read takes the settings of a configuration file (TOML). Names that do not exist are
// refused. ttl_seconds is of parameters, too, unless parameter_ttl_seconds is there.
func (c *Config) Read(text []byte) error {
	if len(text) > MaxConfigBytes {
		return fmt.Errorf("configuration longer than %d bytes", MaxConfigBytes)
	}
	var f configFile
	meta, err := toml.Decode(string(text), &f)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return fmt.Errorf("configuration: there is no setting %q", unknown[0].String())
	}
	r := reader{}
	r.level("log_level", f.LogLevel, &c.LogLevel)
	r.boolean("log_to_file", f.LogToFile.text, &c.LogToFile)
	if f.HTTPAddress != nil {
		r.address("http_address", *f.HTTPAddress, &c.Address)
	}
	r.port("http_port", f.HTTPPort.text, 1024, &c.Port)
	r.seconds("ttl_seconds", f.TTLSeconds.text, MaxTTL, &c.SecretTTL)
	r.seconds("ttl_seconds", f.TTLSeconds.text, MaxTTL, &c.ParameterTTL)
	r.seconds("parameter_ttl_seconds", f.ParameterTTLSeconds.text, MaxTTL, &c.ParameterTTL)
	r.seconds("max_stale_seconds", f.MaxStaleSeconds.text, MaxMaxStale, &c.MaxStale)
	r.number("cache_size", f.CacheSize.text, 1, MaxCacheSize, &c.CacheSize)
	r.number("max_conn", f.MaxConn.text, 1, MaxConnectionsLimit, &c.MaxConnections)
	r.number("max_upstream_connections", f.MaxUpstream.text, 1, MaxConnectionsLimit, &c.MaxUpstream)
	r.boolean("ignore_transient_errors", f.IgnoreTransientErrors.text, &c.IgnoreTransientErrors)
	r.boolean("validate_credentials", f.ValidateCredentials.text, &c.ValidateCredentials)
	if f.Region != nil {
		c.Region = *f.Region
	}
	if meta.IsDefined("ssrf_headers") {
		c.TokenHeaders = f.SSRFHeaders
	}
	if meta.IsDefined("ssrf_env_variables") {
		c.TokenVariables = f.SSRFEnvVariables
	}
	if f.PathPrefix != nil {
		c.PathPrefix = *f.PathPrefix
	}
	if len(r.errs) > 0 {
		return fmt.Errorf("configuration: %w", errors.Join(r.errs...))
	}
	return nil
}

// Environment takes the settings of the Lambda extension from the environment. Unlike
// the extension, a TTL may be longer than 300 seconds.
func (c *Config) Environment(lookup func(name string) (string, bool)) error {
	r := reader{}
	get := func(name string) *string {
		if v, ok := lookup(name); ok && v != "" {
			return &v
		}
		return nil
	}
	const prefix = "PARAMETERS_SECRETS_EXTENSION_"
	r.level(prefix+"LOG_LEVEL", get(prefix+"LOG_LEVEL"), &c.LogLevel)
	r.port(prefix+"HTTP_PORT", get(prefix+"HTTP_PORT"), 1, &c.Port)
	r.number(prefix+"CACHE_SIZE", get(prefix+"CACHE_SIZE"), 0, MaxCacheSize, &c.CacheSize)
	r.number(prefix+"MAX_CONNECTIONS", get(prefix+"MAX_CONNECTIONS"), 1, MaxConnectionsLimit, &c.MaxUpstream)
	r.seconds("SECRETS_MANAGER_TTL", get("SECRETS_MANAGER_TTL"), MaxTTL, &c.SecretTTL)
	r.seconds("SSM_PARAMETER_STORE_TTL", get("SSM_PARAMETER_STORE_TTL"), MaxTTL, &c.ParameterTTL)
	r.milliseconds("SECRETS_MANAGER_TIMEOUT_MILLIS", get("SECRETS_MANAGER_TIMEOUT_MILLIS"), &c.SecretTimeout)
	r.milliseconds("SSM_PARAMETER_STORE_TIMEOUT_MILLIS", get("SSM_PARAMETER_STORE_TIMEOUT_MILLIS"), &c.ParameterTimeout)
	enabled := true
	r.boolean(prefix+"CACHE_ENABLED", get(prefix+"CACHE_ENABLED"), &enabled)
	if !enabled {
		c.CacheSize = 0
	}
	return errors.Join(r.errs...)
}

// Validate checks what Read and Environment do not: settings that depend on others, and
// those that were set in other ways.
func (c *Config) Validate() error {
	switch {
	case !c.Address.IsLoopback():
		return fmt.Errorf("the agent listens on loopback only, not on %s", c.Address)
	case c.SecretTTL < 0 || c.SecretTTL > MaxTTL || c.ParameterTTL < 0 || c.ParameterTTL > MaxTTL:
		return fmt.Errorf("a TTL is 0 to %d seconds", int(MaxTTL.Seconds()))
	case c.MaxStale < 0 || c.MaxStale > MaxMaxStale:
		return fmt.Errorf("old values are kept for 0 to %d seconds", int(MaxMaxStale.Seconds()))
	case c.CacheSize < 0 || c.CacheSize > MaxCacheSize:
		return fmt.Errorf("the cache has 0 to %d values", MaxCacheSize)
	case c.MaxConnections < 1 || c.MaxConnections > MaxConnectionsLimit || c.MaxUpstream < 1:
		return fmt.Errorf("connections are 1 to %d", MaxConnectionsLimit)
	case len(c.TokenHeaders) == 0 || len(c.TokenVariables) == 0:
		return errors.New("no header or no environment variable for the token")
	case !strings.HasPrefix(c.PathPrefix, "/"):
		return errors.New("the path prefix does not begin with /")
	}
	return nil
}

// ParseLevel reads the name of a log level: debug, info, warn, error or none.
func ParseLevel(name string) (slog.Level, error) {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	case "none":
		return LevelNone, nil
	}
	return 0, errors.New("the log level is debug, info, warn, error or none")
}

// reader reads settings that are there and collects what is wrong with them. Values are
// not repeated in errors: a variable may hold something else than it is thought to.
type reader struct{ errs []error }

func (r *reader) fail(name, want string) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s", name, want))
}

func (r *reader) number(name string, text *string, least, most int, to *int) {
	if text == nil {
		return
	}
	n, err := strconv.Atoi(*text)
	if err != nil || n < least || n > most {
		r.fail(name, fmt.Sprintf("must be a number from %d to %d", least, most))
		return
	}
	*to = n
}

func (r *reader) port(name string, text *string, least int, to *uint16) {
	n := int(*to)
	r.number(name, text, least, math.MaxUint16, &n)
	*to = uint16(n)
}

func (r *reader) seconds(name string, text *string, most time.Duration, to *time.Duration) {
	n := -1
	r.number(name, text, 0, int(most/time.Second), &n)
	if n >= 0 {
		*to = time.Duration(n) * time.Second
	}
}

func (r *reader) milliseconds(name string, text *string, to *time.Duration) {
	n := -1
	r.number(name, text, 0, math.MaxInt32, &n)
	if n >= 0 {
		*to = time.Duration(n) * time.Millisecond
	}
}

func (r *reader) boolean(name string, text *string, to *bool) {
	if text == nil {
		return
	}
	switch strings.ToLower(*text) {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		r.fail(name, "must be true or false")
	}
}

func (r *reader) level(name string, text *string, to *slog.Level) {
	if text == nil {
		return
	}
	level, err := ParseLevel(*text)
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s: %w", name, err))
		return
	}
	*to = level
}

func (r *reader) address(name, text string, to *netip.Addr) {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.IsLoopback() || a.Zone() != "" {
		r.fail(name, "must be a loopback address")
		return
	}
	*to = a
}
