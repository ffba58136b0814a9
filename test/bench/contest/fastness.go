package contest

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"fastness/internal/sigv4"
)

// StartFastness starts the binary on a data directory in dir, a fresh one if there is
// none, with the credentials of the root user. The caller may add flags.
func StartFastness(ctx context.Context, name, binary, dir string, flags ...string) (*Server, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, append([]string{"serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:" + port, "--log-level", "error"}, flags...)...)
	cmd.Stderr = os.Stderr
	s, err := Start(ctx, name, port, cmd)
	if err != nil {
		return s, err
	}
	s.Cred, err = credentials(dir)
	return s, err
}

// credentials reads the file that the first start writes.
func credentials(dir string) (sigv4.Credentials, error) {
	text := ""
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "credentials" {
			return err
		}
		b, err := os.ReadFile(path)
		text = string(b)
		return err
	})
	return sigv4.Credentials{AccessKeyID: submatch(text, `aws_access_key_id\s*=\s*(\S+)`), Secret: []byte(submatch(text, `aws_secret_access_key\s*=\s*(\S+)`))}, err
}

// User is an IAM user with an access key.
type User struct {
	ARN  string
	Cred sigv4.Credentials
}

// Account is the user's.
func (u User) Account() string { return strings.Split(u.ARN, ":")[4] }

// CreateUser makes an IAM user, with an inline policy unless that is empty.
func (s *Server) CreateUser(ctx context.Context, name, policy string) (User, error) {
	iam := func(action string, more ...string) (string, error) {
		form := url.Values{"Action": {action}, "Version": {"2010-05-08"}, "UserName": {name}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		answer, err := s.Query(ctx, "iam", form.Encode())
		if err != nil {
			err = fmt.Errorf("%s: %w", action, err)
		}
		return string(answer), err
	}
	var u User
	answer, err := iam("CreateUser")
	if err != nil {
		return u, err
	}
	u.ARN = submatch(answer, `<Arn>([^<]+)</Arn>`)
	if policy != "" {
		if _, err := iam("PutUserPolicy", "PolicyName", "bench", "PolicyDocument", policy); err != nil {
			return u, err
		}
	}
	if answer, err = iam("CreateAccessKey"); err != nil {
		return u, err
	}
	u.Cred = sigv4.Credentials{AccessKeyID: submatch(answer, `<AccessKeyId>([^<]+)<`), Secret: []byte(submatch(answer, `<SecretAccessKey>([^<]+)<`))}
	return u, nil
}

// submatch is the first group of a pattern in s, or "".
func submatch(s, pattern string) string {
	if m := regexp.MustCompile(pattern).FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}
