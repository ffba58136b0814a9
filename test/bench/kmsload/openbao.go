package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	baoName      = "openbao"
	baoAuditName = "openbao, policy and audit"
	baoRoot      = "root" // the development server's root token
)

// startOpenBao starts OpenBao's development server, which keeps everything in memory,
// with the transit engine and a key for each kind of work. As it comes, the root token
// asks and nothing is recorded. With audit it does more of what ours does: a token whose
// policy allows the engine asks, and an audit device writes a file.
func startOpenBao(ctx context.Context, path, dir string, audit bool) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(dir, "openbao-"+port)
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	s := &server{name: baoName, addr: "127.0.0.1:" + port, token: baoRoot}
	s.cmd = exec.Command(path, "server", "-dev", "-dev-no-store-token", "-dev-root-token-id="+baoRoot, "-dev-listen-address="+s.addr, "-log-level=error")
	s.cmd.Env = append(os.Environ(), "HOME="+home)
	if audit {
		s.name = baoAuditName
		config := fmt.Sprintf("audit \"file\" \"bench\" {\n  options {\n    file_path = %q\n  }\n}\n", filepath.Join(home, "audit.log"))
		if err := os.WriteFile(filepath.Join(home, "openbao.hcl"), []byte(config), 0o600); err != nil {
			return nil, err
		}
		s.cmd.Args = append(s.cmd.Args, "-config="+filepath.Join(home, "openbao.hcl"))
	}
	s.render = func(_ context.Context, o operation, _ int) ([]byte, error) {
		path, body := o.transit(&s.keys)
		return s.baoRequest("transit/"+path, body)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		return s, err
	}
	s.keys = keys{symmetric: "aes", ec: "ec", rsa: "rsa"}
	for _, step := range []struct {
		path string
		body object
	}{
		{"sys/mounts/transit", object{"type": "transit"}},
		{"transit/keys/" + s.keys.symmetric, object{"type": "aes256-gcm96"}},
		{"transit/keys/" + s.keys.ec, object{"type": "ecdsa-p256"}},
		{"transit/keys/" + s.keys.rsa, object{"type": "rsa-2048"}},
	} {
		if _, err := s.bao(ctx, step.path, step.body); err != nil {
			return s, err
		}
	}
	if audit {
		if err := s.baoUser(ctx); err != nil {
			return s, err
		}
	}
	answer, err := s.bao(ctx, "transit/encrypt/"+s.keys.symmetric, object{"plaintext": text(32)})
	if err != nil {
		return s, err
	}
	var out struct{ Data struct{ Ciphertext string } }
	err = json.Unmarshal(answer, &out)
	s.keys.small = out.Data.Ciphertext
	return s, err
}

// baoUser takes a token that may do no more than use the engine.
func (s *server) baoUser(ctx context.Context) error {
	const policy = `path "transit/*" { capabilities = ["create", "update"] }`
	if _, err := s.bao(ctx, "sys/policies/acl/bench", object{"policy": policy}); err != nil {
		return err
	}
	answer, err := s.bao(ctx, "auth/token/create", object{"policies": []string{"bench"}, "no_default_policy": true})
	if err != nil {
		return err
	}
	var out struct {
		Auth struct {
			ClientToken string `json:"client_token"`
		}
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return err
	}
	s.token = out.Auth.ClientToken
	return nil
}

// baoRequest renders a request as OpenBao's API client sends it.
func (s *server) baoRequest(path string, body object) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/v1/"+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Vault-Token", s.token)
	r.Header.Set("X-Vault-Request", "true")
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// bao sends one request on a connection of its own.
func (s *server) bao(ctx context.Context, path string, body object) ([]byte, error) {
	request, err := s.baoRequest(path, body)
	if err != nil {
		return nil, err
	}
	answer, err := s.exchange(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return answer, nil
}
