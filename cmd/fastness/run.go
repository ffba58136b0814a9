package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	flag "github.com/spf13/pflag"

	"fastness/internal/secretsagent"
	"fastness/internal/secretsagent/reference"
)

// runFlags are the flags of run.
type runFlags struct {
	pairs, files             []string
	agent, tokenFile, region string
}

// runProgram replaces this process by a program whose environment has the secrets that
// ours refers to.
func runProgram(f *flag.FlagSet) runner {
	var r runFlags
	f.SetInterspersed(false) // the program's flags are its own
	f.StringArrayVar(&r.pairs, "env", nil, "NAME=REFERENCE: a variable for the program; may be repeated")
	f.StringArrayVar(&r.files, "env-file", nil, "file of lines NAME=VALUE, where a VALUE may be a reference; may be repeated")
	f.StringVar(&r.agent, "agent", "", "ask the agent at this address, as http://127.0.0.1:2773, instead of the APIs")
	f.StringVar(&r.tokenFile, "token-file", "", "file of the agent's token (default: as the agent finds it)")
	f.StringVar(&r.region, "region", "", "Region (default: the environment's)")
	return func(ctx context.Context, _ *output) error {
		args := f.Args()
		if len(args) == 0 {
			return fmt.Errorf("%w: run takes the program and its arguments: fastness run -- CMD [ARG...]", errUsage)
		}
		program, err := exec.LookPath(args[0])
		if err != nil {
			return fmt.Errorf("run: %w", err)
		}
		// Not harden: what it sets would outlive this process, in the program.
		if err := hideMemory(); err != nil {
			return fmt.Errorf("run: %w", err)
		}
		environment, err := r.environment(ctx, os.Environ())
		if err != nil {
			return fmt.Errorf("run: %w", err)
		}
		return replace(program, args, environment)
	}
}

// variables is an environment in the making. A later value of a name wins.
type variables struct {
	names  []string // in the order they came in
	values map[string]setting
	other  []string // what is not NAME=VALUE
}

// setting is the value of a variable, as it was given.
type setting struct {
	text      string
	mustRefer bool // to a secret or a parameter
}

func (v *variables) set(name, text string, mustRefer bool) {
	if _, twice := v.values[name]; !twice {
		v.names = append(v.names, name)
	}
	v.values[name] = setting{text, mustRefer}
}

// environment returns base with what the flags add, references resolved.
func (r *runFlags) environment(ctx context.Context, base []string) ([]string, error) {
	v := variables{values: make(map[string]setting)}
	for _, pair := range base {
		if name, value, ok := strings.Cut(pair, "="); ok && name != "" {
			v.set(name, value, false)
		} else {
			v.other = append(v.other, pair)
		}
	}
	for _, file := range r.files {
		text, err := readBounded(file, reference.MaxEnvFileBytes)
		if err != nil {
			return nil, err
		}
		list, err := reference.ParseEnvFile(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, a := range list {
			v.set(a.Name, a.Value, false)
		}
	}
	for _, pair := range r.pairs {
		a, err := reference.ParseAssignment(pair)
		if err != nil {
			return nil, fmt.Errorf("%w: --env: %w", errUsage, err)
		}
		v.set(a.Name, a.Value, true)
	}
	return v.resolve(ctx, r.resolver)
}

// resolve returns the environment. It connects only if there is a reference. Errors name
// the variable and not its value.
func (v *variables) resolve(ctx context.Context, connect func(context.Context) (*reference.Resolver, error)) ([]string, error) {
	var resolver *reference.Resolver
	all := v.other
	for _, name := range v.names {
		given := v.values[name]
		value, err := reference.Parse(given.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		text := given.text
		switch {
		case value.HasReferences():
			if resolver == nil {
				if resolver, err = connect(ctx); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
			}
			if text, err = resolver.Resolve(ctx, value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		case given.mustRefer:
			return nil, fmt.Errorf("%w: %s: --env takes a reference: secretsmanager:NAME, ssm:NAME or {{resolve:…}}", errUsage, name)
		}
		all = append(all, name+"="+text)
	}
	return all, nil
}

// resolver asks the agent, or the APIs.
func (r *runFlags) resolver(ctx context.Context) (*reference.Resolver, error) {
	if r.agent != "" {
		token, err := agentToken(r.tokenFile, secretsagent.DefaultConfig().TokenVariables)
		if err != nil {
			return nil, err
		}
		client, err := secretsagent.NewClient(r.agent, token)
		if err != nil {
			return nil, fmt.Errorf("%w: --agent: %w", errUsage, err)
		}
		return reference.NewResolver(client), nil
	}
	upstream, err := secretsagent.Connect(ctx, secretsagent.UpstreamOptions{Region: r.region, MaxConnections: 4, Version: version})
	if err != nil {
		return nil, err
	}
	return reference.NewResolver(upstream), nil
}
