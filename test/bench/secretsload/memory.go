package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"fastness/test/bench/contest"
)

// measureMemory fills a server with secrets and says how much memory it has resident:
// after that, and after a restart and a reading of every secret.
func measureMemory(ctx context.Context, s settings, dir string) error {
	dir = filepath.Join(dir, "memory")
	fmt.Printf("| %d secrets | took | resident MiB | peak MiB |\n|---|---|---|---|\n", s.secrets)
	secret := func(i int) string { return fmt.Sprintf("bench/service-%06d/database", i) }
	for _, step := range []struct {
		name string
		in   func(i int) (target string, in object)
	}{
		{"created", func(i int) (string, object) {
			return "secretsmanager.CreateSecret", object{
				"Name": secret(i), "SecretString": value, "Description": "the database of a service",
				"ClientRequestToken": fmt.Sprintf("5d2c3c1a-7d0a-4f43-9a62-%012d", i), "Tags": []object{{"Key": "team", "Value": "blue"}},
			}
		}},
		{"read after a restart", func(i int) (string, object) {
			return "secretsmanager.GetSecretValue", object{"SecretId": secret(i)}
		}},
	} {
		if err := flood(ctx, s, dir, step.name, step.in); err != nil {
			return err
		}
	}
	return nil
}

// flood starts a server on what there is in dir, sends it one request for each secret, and
// prints its memory.
func flood(ctx context.Context, s settings, dir, name string, in func(i int) (string, object)) error {
	server, err := contest.StartFastness(ctx, oursName, s.fastness, dir)
	if server != nil {
		defer server.Stop()
	}
	if err != nil {
		return err
	}
	began := time.Now()
	err = server.Flood(ctx, s.conns, s.secrets, func(i int) ([]byte, error) {
		target, in := in(i)
		body, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		return server.Sign("secretsmanager", contest.JSON11, target, body)
	})
	if err != nil {
		return err
	}
	took := time.Since(began)
	now, peak, err := server.Memory()
	if err == nil {
		fmt.Printf("| %s | %v | %d | %d |\n", name, took.Round(100*time.Millisecond), now, peak)
	}
	return err
}
