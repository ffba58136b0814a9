package secretsagent

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// Secret is one version of a secret, as GetSecretValue answers it. Empty strings are
// members that the answer did not have.
type Secret struct {
	ARN, Name, VersionID string
	// String is the value if it is text, else nil.
	String *string
	// Binary is the value if it is not text, else nil.
	Binary        []byte
	VersionStages []string
	CreatedDate   time.Time
}

// Parameter is one version of a parameter, as GetParameter answers it. Empty strings
// are members that the answer did not have.
type Parameter struct {
	ARN, DataType, Name, Selector, SourceResult, Type, Value string
	LastModifiedDate                                         time.Time
	Version                                                  int64
}

// appendSecret appends the JSON of a secret: members, their order and the date as a
// string of seconds are those of the AWS Secrets Manager Agent. The buffer is not one of
// encoding/json's, so that the caller can clear it.
func appendSecret(b []byte, s *Secret) []byte {
	b = append(b, `{"ARN":`...)
	b = appendOptional(b, s.ARN)
	b = append(b, `,"Name":`...)
	b = appendOptional(b, s.Name)
	b = append(b, `,"VersionId":`...)
	b = appendOptional(b, s.VersionID)
	if s.String != nil {
		b = append(b, `,"SecretString":`...)
		b = appendString(b, *s.String)
	}
	if s.Binary != nil {
		b = append(b, `,"SecretBinary":"`...)
		b = base64.StdEncoding.AppendEncode(b, s.Binary)
		b = append(b, '"')
	}
	if s.VersionStages != nil {
		b = append(b, `,"VersionStages":[`...)
		for i, stage := range s.VersionStages {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, stage)
		}
		b = append(b, ']')
	}
	b = append(b, `,"CreatedDate":`...)
	if s.CreatedDate.IsZero() {
		b = append(b, "null"...)
	} else {
		b = append(b, '"')
		b = strconv.AppendFloat(b, float64(s.CreatedDate.UnixMilli())/1000, 'f', -1, 64)
		b = append(b, '"')
	}
	return append(b, '}')
}

// appendParameter appends the JSON of a parameter as the Lambda extension writes it:
// the members of GetParameter's answer, null where it had none, and a date in text.
func appendParameter(b []byte, p *Parameter) []byte {
	b = append(b, `{"Parameter":{"ARN":`...)
	b = appendOptional(b, p.ARN)
	b = append(b, `,"DataType":`...)
	b = appendOptional(b, p.DataType)
	b = append(b, `,"LastModifiedDate":`...)
	if p.LastModifiedDate.IsZero() {
		b = append(b, "null"...)
	} else {
		b = append(b, '"')
		b = p.LastModifiedDate.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	b = append(b, `,"Name":`...)
	b = appendOptional(b, p.Name)
	b = append(b, `,"Selector":`...)
	b = appendOptional(b, p.Selector)
	b = append(b, `,"SourceResult":`...)
	b = appendOptional(b, p.SourceResult)
	b = append(b, `,"Type":`...)
	b = appendString(b, p.Type)
	b = append(b, `,"Value":`...)
	b = appendString(b, p.Value)
	b = append(b, `,"Version":`...)
	b = strconv.AppendInt(b, p.Version, 10)
	return append(b, `},"ResultMetadata":{}}`...)
}

// appendFailure appends an error in the form of the AWS Secrets Manager Agent, which is
// JSON 1.1's. Unlike it, the message is escaped, and a code without a message is kept.
func appendFailure(b []byte, f *Failure) []byte {
	b = append(b, `{"__type":`...)
	b = appendString(b, f.Code)
	if f.Code != internalFailure {
		b = append(b, `, "message":`...)
		b = appendString(b, f.Message)
	}
	return append(b, '}')
}

func appendOptional(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendString(b, s)
}

// appendString appends a JSON string (RFC 8259 §7). Bytes that are not UTF-8 become
// U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			if c < ' ' {
				b = append(b, `\u00`...)
				b = append(b, hex[c>>4], hex[c&15])
			} else {
				b = append(b, "\uFFFD"...)
			}
		}
		i++
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
