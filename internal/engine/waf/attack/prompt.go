package attack

import "bytes"

// What is sent to language models has parts between tags of its own, as their makers advise: <document index="1">, <file name="a.rb" mime_type="text/plain">.
// A browser knows none of these elements and makes nothing of them.

// prompts tells whether an element is one of those that messages to language models are divided by.
func prompts(n []byte) bool {
	switch string(n) {
	case "file", "files", "filename", "document", "documents", "document_content", "document_index", "context", "instruction", "instructions", "example", "examples", "ideal_output", "question", "answer", "query", "response",
		"thinking", "reasoning", "scratchpad", "task", "tasks", "conversation", "message", "messages", "user", "assistant", "system", "system_prompt", "user_query", "tool", "tools", "tool_call", "tool_result", "result", "results",
		"rules", "format", "output_format", "formatting", "attachment", "attachments", "page", "content", "contents", "history", "persona", "role", "tone", "goal", "constraints", "background", "passage", "quote", "quotes", "schema", "transcript", "excerpt", "chunk", "chunks", "snippet":
		return true
	}
	return false
}

// promptName takes the name of an element or an attribute off the beginning of b, in lower case, with the underscores that HTML's have none of.
func promptName(b []byte, buf *[longestName]byte) (n, rest []byte) {
	i := 0
	for i < len(b) && i < longestName {
		c := lowerASCII(b[i])
		if c < 'a' || c > 'z' {
			if i == 0 || c != '_' {
				break
			}
		}
		buf[i] = c
		i++
	}
	return buf[:i], b[i:]
}

// promptTag takes a tag of such an element, with attributes that name what is in it, off the beginning of b.
func promptTag(b []byte) (rest []byte, ok bool) {
	b = b[1:]
	end := b[0] == '/'
	if end {
		b = b[1:]
	}
	var buf [longestName]byte
	n, b := promptName(b, &buf)
	if !prompts(n) {
		return nil, false
	}
	for {
		trimmed := bytes.TrimLeft(b, " \t\r\n")
		switch {
		case len(trimmed) == 0:
			return nil, false
		case trimmed[0] == '>':
			return trimmed[1:], true
		case bytes.HasPrefix(trimmed, []byte("/>")):
			return trimmed[2:], true
		case end || len(trimmed) == len(b):
			return nil, false
		}
		n, b = promptName(trimmed, &buf)
		switch string(n) {
		case "name", "filename", "file_name", "path", "mime_type", "type", "index", "id", "source", "title", "url", "uri", "language", "lang", "role", "date", "author", "page", "number", "count", "score", "key":
		default:
			return nil, false
		}
		if len(b) < 2 || b[0] != '=' || b[1] != '"' && b[1] != '\'' {
			return nil, false
		}
		value, after, found := bytes.Cut(b[2:], b[1:2])
		if !found || bytes.ContainsAny(value, "<>\\\x00`") || bytes.Contains(value, []byte("&{")) || bytes.Contains(value, []byte("&#")) {
			return nil, false
		}
		if i := bytes.IndexByte(value, ':'); i >= 0 && !webAddress(value) && !bytes.ContainsAny(value[:i], " /.-") {
			return nil, false
		}
		b = after
	}
}

// behindData gives what stands behind a document of XML that is data and the whole content of the element whose tag b begins with, or rest, which
// is what follows the tag.
func behindData(b, rest []byte) []byte {
	inside := bytes.TrimLeft(rest, " \t\r\n")
	if b[1] == '/' || !hasFold(inside, "<?xml ") {
		return rest
	}
	var buf [longestName]byte
	n, _ := promptName(b[1:], &buf)
	end := bytes.Index(inside, append(append([]byte("</"), n...), '>'))
	if end < 0 || !isData(inside[:end]) {
		return rest
	}
	return inside[end:]
}
