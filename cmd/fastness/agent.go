package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"time"

	flag "github.com/spf13/pflag"

	"fastness/internal/clock"
	"fastness/internal/secretsagent"
)

// agentFlags are the flags of the secrets agent.
type agentFlags struct {
	set       *flag.FlagSet
	file      string
	port      uint16
	ttl       int
	cacheSize int
	tokenFile string
	region    string
	logLevel  string
}

// secretsAgent serves secrets to programs of this machine.
func secretsAgent(f *flag.FlagSet) runner {
	a := agentFlags{set: f}
	d := secretsagent.DefaultConfig()
	f.StringVar(&a.file, "config", "", "configuration file (TOML), as the AWS Secrets Manager Agent takes it")
	f.Lookup("config").Annotations = map[string][]string{ownFileMark: {}}
	f.Uint16Var(&a.port, "port", d.Port, "port to serve on loopback; 0 takes a free one")
	f.IntVar(&a.ttl, "ttl", int(d.SecretTTL.Seconds()), "seconds for which an answer is fresh, 0 to 3600; 0 keeps none")
	f.IntVar(&a.cacheSize, "cache-size", d.CacheSize, "how many answers are kept, 0 to 1000")
	f.StringVar(&a.tokenFile, "token-file", "", "file of the token that callers must know, mode 0640 or less (default: by AWS_TOKEN, AWS_SESSION_TOKEN or AWS_CONTAINER_AUTHORIZATION_TOKEN, which hold the token or file://PATH)")
	f.StringVar(&a.region, "region", "", "Region (default: the environment's)")
	f.StringVar(&a.logLevel, "log-level", "info", "debug, info, warn, error or none")
	return func(ctx context.Context, out *output) error {
		c, err := a.config()
		if err != nil {
			return err
		}
		return serveSecrets(ctx, out, c, a.tokenFile)
	}
}

// config completes the settings: a flag wins over the environment, that over the file,
// that over the default.
func (a *agentFlags) config() (secretsagent.Config, error) {
	c := secretsagent.DefaultConfig()
	if a.file != "" {
		text, err := readBounded(a.file, secretsagent.MaxConfigBytes)
		if err != nil {
			return c, err
		}
		if err := c.Read(text); err != nil {
			return c, fmt.Errorf("%w: %s: %w", errUsage, a.file, err)
		}
	}
	if err := c.Environment(os.LookupEnv); err != nil {
		return c, fmt.Errorf("%w: %w", errUsage, err)
	}
	if a.set.Changed("port") {
		c.Port = a.port
	}
	if a.set.Changed("ttl") {
		c.SecretTTL = time.Duration(a.ttl) * time.Second
		c.ParameterTTL = c.SecretTTL
	}
	if a.set.Changed("cache-size") {
		c.CacheSize = a.cacheSize
	}
	if a.region != "" {
		c.Region = a.region
	}
	if a.set.Changed("log-level") {
		level, err := secretsagent.ParseLevel(a.logLevel)
		if err != nil {
			return c, fmt.Errorf("%w: --log-level: %w", errUsage, err)
		}
		c.LogLevel = level
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("%w: %w", errUsage, err)
	}
	return c, nil
}

// readBounded reads a file of at most so many bytes.
func readBounded(name string, most int64) ([]byte, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, most)
	}
	return text, nil
}

// agentToken reads the token from the file, or as the variables of names say.
func agentToken(file string, names []string) (string, error) {
	if file != "" {
		return secretsagent.ReadToken(file)
	}
	return secretsagent.FindToken(names, os.LookupEnv)
}

// agentLog is the log of an agent, and what closes it.
func agentLog(c *secretsagent.Config) (*slog.Logger, func() error, error) {
	var w io.Writer = os.Stderr
	end := func() error { return nil }
	switch {
	case c.LogLevel == secretsagent.LevelNone:
		return slog.New(slog.DiscardHandler), end, nil
	case c.LogToFile:
		f, err := secretsagent.OpenLogFile(secretsagent.LogFileName)
		if err != nil {
			return nil, nil, err
		}
		w, end = f, f.Close
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: c.LogLevel})), end, nil
}

func serveSecrets(ctx context.Context, out io.Writer, c secretsagent.Config, tokenFile string) (err error) {
	log, end, err := agentLog(&c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := harden(); err != nil {
		log.Warn("the process could not be hardened against memory dumps", "error", err)
	}
	text, err := agentToken(tokenFile, c.TokenVariables)
	if err != nil {
		return err
	}
	token, err := secretsagent.NewToken(text)
	if err != nil {
		return err
	}
	upstream, err := secretsagent.Connect(ctx, secretsagent.UpstreamOptions{
		Region: c.Region, MaxConnections: c.MaxUpstream, Version: version,
		SecretTimeout: c.SecretTimeout, ParameterTimeout: c.ParameterTimeout,
	})
	if err != nil {
		return err
	}
	if c.ValidateCredentials {
		if err := checkCredentials(ctx, upstream, &c, log); err != nil {
			return err
		}
	}
	agent, err := secretsagent.New(c, token, upstream, clock.System{}, log)
	if err != nil {
		return err
	}
	l, err := secretsagent.Listen(ctx, netip.AddrPortFrom(c.Address, c.Port))
	if err != nil {
		agent.Close()
		return err
	}
	fmt.Fprintf(out, "Fastness %s hands out secrets at http://%s\n", version, l.Addr())
	return agent.Serve(ctx, l)
}

// checkCredentials fails if the credentials do not work. If that cannot be known now, it
// fails unless such errors are to be ignored.
func checkCredentials(ctx context.Context, u *secretsagent.Upstream, c *secretsagent.Config, log *slog.Logger) error {
	err := u.Check(ctx)
	var f *secretsagent.Failure
	if c.IgnoreTransientErrors && errors.As(err, &f) && f.Class == secretsagent.Unreachable {
		log.Warn("the credentials could not be checked", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("checking the credentials (validate_credentials): %w", err)
	}
	return nil
}
