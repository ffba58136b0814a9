package secretsagent

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// The log file is the AWS Secrets Manager Agent's: its name, its bound and how many are
// kept, with the present one.
const (
	LogFileName  = "logs/secrets_manager_agent.log"
	logFileBytes = 10 << 20
	logFiles     = 5
)

// LogFile writes a log to a file of a bounded size, and keeps a few old ones beside it
// (NAME.1 is the latest). It is safe for concurrent use.
type LogFile struct {
	name string
	max  int64
	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenLogFile opens the log file name and makes its directory.
func OpenLogFile(name string) (*LogFile, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("secretsagent: log: %w", err)
	}
	l := &LogFile{name: name, max: logFileBytes}
	return l, l.open()
}

func (l *LogFile) open() error {
	f, err := os.OpenFile(l.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("secretsagent: log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("secretsagent: log: %w", err)
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write appends to the file, which it begins anew if it is full.
func (l *LogFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(p)) > l.max {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *LogFile) rotate() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("secretsagent: log: %w", err)
	}
	old := func(n int) string { return fmt.Sprintf("%s.%d", l.name, n) }
	for n := logFiles - 2; n >= 1; n-- {
		if err := os.Rename(old(n), old(n+1)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("secretsagent: log: %w", err)
		}
	}
	if err := os.Rename(l.name, old(1)); err != nil {
		return fmt.Errorf("secretsagent: log: %w", err)
	}
	return l.open()
}

// Close closes the file.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
