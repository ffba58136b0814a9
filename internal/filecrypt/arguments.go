package filecrypt

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"fastness/encryptionsdk"
)

// What a command line asks for instead of work.
var (
	ErrHelp    = errors.New("help is asked for")
	ErrVersion = errors.New("the version is asked for")
)

// Dialect is which command a command line belongs to.
type Dialect int

const (
	// AWS is AWS's tool: --encrypt or --decrypt, --input, --output and a decision on
	// metadata are required.
	AWS Dialect = iota
	// EncryptCommand and DecryptCommand are commands of their own: the mode is given,
	// input and output default to the standard streams, metadata to none.
	EncryptCommand
	DecryptCommand
)

// ParseArguments reads a command line, without the name of the command. It reads files of
// arguments (@FILE) and nothing else. Errors match ErrUsage, ErrHelp or ErrVersion.
func ParseArguments(d Dialect, args []string) (*Options, error) {
	words, err := expandFiles(args)
	if err != nil {
		return nil, err
	}
	c := &commandLine{o: new(Options)}
	switch d {
	case EncryptCommand:
		c.o.Mode = Encrypt
	case DecryptCommand:
		c.o.Mode = Decrypt
	}
	if err := parse(c.options(d), words); err != nil {
		return nil, err
	}
	if err := c.complete(d); err != nil {
		return nil, err
	}
	return c.o, nil
}

// commandLine is what has been read so far.
type commandLine struct {
	o                 *Options
	modes             []Mode
	suppress          bool
	metadata, context []string
	keys              [][]string
}

func (c *commandLine) options(d Dialect) []option {
	o := c.o
	mode := func(m Mode) func([]string) error {
		return func([]string) error {
			if !slices.Contains(c.modes, m) {
				c.modes = append(c.modes, m)
			}
			return nil
		}
	}
	flag := func(to *bool) func([]string) error {
		return func([]string) error { *to = true; return nil }
	}
	text := func(to *string) func([]string) error {
		return func(v []string) error {
			if *to = v[0]; *to == "" {
				return errors.New("the value is empty")
			}
			return nil
		}
	}
	return []option{
		{long: "help", short: "h", help: "print this", set: func([]string) error { return ErrHelp }},
		{long: "version", help: "print the version", set: func([]string) error { return ErrVersion }},
		{long: "encrypt", short: "e", hidden: d != AWS, help: "encrypt", set: mode(Encrypt)},
		{long: "decrypt", short: "d", hidden: d != AWS, help: "decrypt", set: mode(Decrypt)},
		{long: "decrypt-unsigned", hidden: d == EncryptCommand, help: "decrypt, and refuse messages that are signed", set: mode(DecryptUnsigned)},
		{long: "input", short: "i", arity: one, operand: "PATH", help: "file, directory, pattern of files, or - for standard input", set: text(&o.Input)},
		{long: "output", short: "o", arity: one, operand: "PATH", help: "file, directory, or - for standard output", set: text(&o.Output)},
		{long: "wrapping-keys", short: "w", arity: some, repeats: true, operand: "NAME=VALUE…", help: "wrapping keys of one provider; may be repeated. The first key makes the data key", set: func(v []string) error {
			c.keys = append(c.keys, v)
			return nil
		}},
		{long: "encryption-context", short: "c", arity: some, operand: "NAME=VALUE…", help: "encryption context; when decrypting, pairs or bare names that the message must have", set: func(v []string) error {
			c.context = v
			return nil
		}},
		{long: "recursive", short: "rR", help: "take whole directories", set: flag(&o.Recursive)},
		{long: "suffix", arity: maybe, operand: "SUFFIX", help: "suffix of outputs in a directory (.encrypted, .decrypted); none if nothing follows", set: func(v []string) error {
			o.Suffix = new(strings.Join(v, ""))
			if strings.ContainsRune(*o.Suffix, '/') {
				return errors.New("a suffix has no /")
			}
			return nil
		}},
		{long: "no-overwrite", help: "leave existing outputs alone", set: flag(&o.NoOverwrite)},
		{long: "interactive", help: "ask before an existing output is replaced", set: flag(&o.Interactive)},
		{long: "decode", help: "the input is base64", set: flag(&o.Decode)},
		{long: "encode", help: "write base64", set: flag(&o.Encode)},
		{long: "buffer", short: "b", help: "hold standard output back until all of it is verified", set: flag(&o.Buffer)},
		{long: "commitment-policy", arity: one, operand: "POLICY", help: "require-encrypt-require-decrypt (default), require-encrypt-allow-decrypt or forbid-encrypt-allow-decrypt", set: func(v []string) (err error) {
			o.CommitmentPolicy, err = parsePolicy(v[0])
			return err
		}},
		{long: "algorithm", arity: one, operand: "NAME", help: "algorithm suite, as AWS names it or by number (0x0478)", set: func(v []string) (err error) {
			o.Suite, err = parseSuite(v[0])
			return err
		}},
		{long: "frame-length", arity: one, operand: "BYTES", help: "plaintext of a frame (4096)", set: func(v []string) (err error) {
			o.FrameLength, err = parseLength(v[0])
			return err
		}},
		{long: "max-length", arity: one, operand: "BYTES", help: "when decrypting, longest frame, or content of an unframed message", set: func(v []string) (err error) {
			o.MaxLength, err = parseLength(v[0])
			return err
		}},
		{long: "max-encrypted-data-keys", arity: one, operand: "N", help: "most encrypted data keys of a message", set: func(v []string) error {
			n, err := strconv.ParseUint(v[0], 10, 16)
			if err != nil || n == 0 {
				return fmt.Errorf("%q is not a number from 1 to 65535", v[0])
			}
			o.MaxEncryptedDataKeys = int(n)
			return nil
		}},
		{long: "caching", arity: some, operand: "NAME=VALUE…", help: "reuse data keys among files: capacity, max_age (seconds), max_messages_encrypted, max_bytes_encrypted", set: func(v []string) (err error) {
			o.Caching, err = parseCaching(v)
			return err
		}},
		{long: "metadata-output", arity: one, operand: "PATH", help: "append a line of JSON for each output, or - for standard output", set: func(v []string) error {
			c.metadata = v
			return text(&o.Metadata)(v)
		}},
		{long: "overwrite-metadata", help: "replace the file of metadata", set: flag(&o.OverwriteMetadata)},
		{long: "suppress-metadata", short: "S", help: "write no metadata", set: flag(&c.suppress)},
		{short: "v", long: "verbose", hidden: true, help: "say what is done; more for more", set: func([]string) error { o.Verbosity++; return nil }},
		{long: "quiet", short: "q", help: "no warnings and no progress", set: flag(&o.Quiet)},
	}
}

// complete checks what options say together and fills in what they leave out.
func (c *commandLine) complete(d Dialect) error {
	o := c.o
	if d == DecryptCommand && slices.Contains(c.modes, DecryptUnsigned) {
		o.Mode = DecryptUnsigned
		c.modes = slices.DeleteFunc(c.modes, func(m Mode) bool { return m == Decrypt })
	}
	switch {
	case len(c.modes) > 1:
		return usage("--%s and --%s exclude each other", c.modes[0], c.modes[1])
	case len(c.modes) == 1 && o.Mode != c.modes[0] && d != AWS:
		return usage("this command does not %s", c.modes[0])
	case len(c.modes) == 0 && d == AWS:
		return usage("one of --encrypt, --decrypt and --decrypt-unsigned is needed")
	case c.suppress && c.metadata != nil:
		return usage("--metadata-output and --suppress-metadata exclude each other")
	case o.OverwriteMetadata && c.metadata == nil && d != AWS:
		return usage("--overwrite-metadata goes with --metadata-output")
	case o.NoOverwrite && o.Interactive:
		return usage("--no-overwrite and --interactive exclude each other")
	}
	if d == AWS {
		o.Mode = c.modes[0]
		switch {
		case !c.suppress && c.metadata == nil:
			return usage("one of --metadata-output and --suppress-metadata is needed")
		case o.Input == "" || o.Output == "":
			return usage("--input and --output are needed")
		}
	}
	if o.Input == "" {
		o.Input = stream
	}
	if o.Output == "" {
		o.Output = stream
	}
	if o.Interactive && o.Input == stream {
		return usage("--interactive needs standard input for the answers")
	}
	if len(c.keys) == 0 {
		return usage("--wrapping-keys is needed")
	}
	for _, words := range c.keys {
		g, err := parseKeyGroup(o.Mode, words)
		if err != nil {
			return usage("--wrapping-keys: %w", err)
		}
		if o.Input == stream && slices.Contains(g.Keys, "fd:0") {
			return usage("standard input is either the input or a key")
		}
		o.WrappingKeys = append(o.WrappingKeys, *g)
	}
	if err := c.completeContext(); err != nil {
		return usage("--encryption-context: %w", err)
	}
	return nil
}

func (c *commandLine) completeContext() error {
	o := c.o
	var pairs []string
	for _, word := range c.context {
		if o.Mode.decrypts() && !strings.Contains(word, "=") {
			o.RequiredKeys = append(o.RequiredKeys, word)
			continue
		}
		pairs = append(pairs, word)
	}
	given, err := parsePairs(pairs)
	if err != nil {
		return err
	}
	o.EncryptionContext = make(encryptionsdk.EncryptionContext, len(given))
	for _, p := range given {
		if _, twice := o.EncryptionContext[p.name]; twice {
			return fmt.Errorf("%q is given twice", p.name)
		}
		o.EncryptionContext[p.name] = p.value
	}
	return nil
}

type pair struct{ name, value string }

// parsePairs reads NAME=VALUE words; neither part is empty.
func parsePairs(words []string) ([]pair, error) {
	pairs := make([]pair, 0, len(words))
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("%q is not of the form NAME=VALUE", name)
		}
		pairs = append(pairs, pair{name, value})
	}
	return pairs, nil
}

func parsePolicy(name string) (encryptionsdk.CommitmentPolicy, error) {
	switch name {
	case "require-encrypt-require-decrypt":
		return encryptionsdk.RequireEncryptRequireDecrypt, nil
	case "require-encrypt-allow-decrypt":
		return encryptionsdk.RequireEncryptAllowDecrypt, nil
	case "forbid-encrypt-allow-decrypt":
		return encryptionsdk.ForbidEncryptAllowDecrypt, nil
	}
	return 0, fmt.Errorf("there is no policy %q", name)
}

// parseSuite takes AWS's name of a suite or its number.
func parseSuite(name string) (encryptionsdk.SuiteID, error) {
	if n, err := strconv.ParseUint(name, 0, 16); err == nil {
		if id := encryptionsdk.SuiteID(n); id.Suite() != nil {
			return id, nil
		}
	}
	for n := range 1 << 16 {
		if s := encryptionsdk.SuiteID(n).Suite(); s != nil && s.Name == name {
			return s.ID, nil
		}
	}
	return 0, fmt.Errorf("there is no algorithm suite %q", name)
}

func parseLength(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a number of bytes from 1 to %d", text, uint32(math.MaxUint32))
	}
	return uint32(n), nil
}

func parseCaching(words []string) (*Caching, error) {
	pairs, err := parsePairs(words)
	if err != nil {
		return nil, err
	}
	c := new(Caching)
	given := make(map[string]bool)
	for _, p := range pairs {
		if given[p.name] {
			return nil, fmt.Errorf("%s is given twice", p.name)
		}
		given[p.name] = true
		var n uint64
		if p.name != "max_age" {
			// A bound of 0 would switch caching off by another name.
			if n, err = strconv.ParseUint(p.value, 10, 63); err != nil || n == 0 {
				return nil, fmt.Errorf("%s: %q is not a number from 1", p.name, p.value)
			}
		}
		switch p.name {
		case "capacity":
			if n > math.MaxInt32 {
				return nil, fmt.Errorf("capacity: at most %d entries", math.MaxInt32)
			}
			c.Capacity = int(n)
		case "max_age":
			seconds, err := strconv.ParseFloat(p.value, 64)
			if err != nil || !(seconds > 0) || seconds > math.MaxInt64/float64(time.Second) {
				return nil, fmt.Errorf("max_age: %q is not a positive number of seconds", p.value)
			}
			c.MaxAge = time.Duration(seconds * float64(time.Second))
		case "max_messages_encrypted":
			c.MaxMessages = int64(n)
		case "max_bytes_encrypted":
			c.MaxBytes = int64(n)
		default:
			return nil, fmt.Errorf("there is no bound %q", p.name)
		}
	}
	if !given["capacity"] || !given["max_age"] {
		return nil, errors.New("capacity and max_age are needed")
	}
	return c, nil
}

// Help is the text of --help for a command of that name.
func Help(d Dialect, command string) string {
	var b strings.Builder
	what := "Encrypt or decrypt files as the AWS Encryption SDK does."
	switch d {
	case EncryptCommand:
		what = "Encrypt files as the AWS Encryption SDK does."
	case DecryptCommand:
		what = "Decrypt files of the AWS Encryption SDK."
	}
	fmt.Fprintf(&b, "%s\n\nUsage:\n  %s [OPTION | @FILE]…\n\nOptions:\n", what, command)
	c := &commandLine{o: new(Options)}
	for _, o := range c.options(d) {
		if o.hidden && o.long != "verbose" {
			continue
		}
		names := "    --" + o.long
		switch {
		case o.long == "verbose":
			names = "-v"
		case o.short != "":
			names = "-" + o.short[:1] + ", --" + o.long
		}
		if o.operand != "" {
			names += " " + o.operand
		}
		fmt.Fprintf(&b, "  %-44s %s\n", names, o.help)
	}
	b.WriteString(keyHelp)
	return b.String()
}
