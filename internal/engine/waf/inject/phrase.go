package inject

import "bytes"

// calls are functions and procedures that have no place in text but in an attack, if an
// opening parenthesis follows.
var calls = map[string]bool{
	"sleep": true, "benchmark": true, "pg_sleep": true, "load_file": true, "extractvalue": true, "updatexml": true,
	"xp_cmdshell": true, "xp_dirtree": true, "sp_executesql": true, "dbms_pipe": true, "dbms_lock": true, "utl_http": true,
	"utl_inaddr": true, "group_concat": true, "load_extension": true, "current_setting": true, "pg_read_file": true,
	"lo_import": true, "lo_export": true, "randomblob": true, "make_set": true, "char_length": true, "quote_literal": true,
	"database": true, "schema_name": true, "db_name": true, "sys_context": true, "xmltype": true, "regexp_substring": true,
}

// catalogs are names under which databases describe themselves.
var catalogs = map[string]bool{
	"information_schema": true, "sysobjects": true, "syscolumns": true, "sqlite_master": true, "sqlite_schema": true, "pg_catalog": true,
	"pg_shadow": true, "pg_user": true, "msysaccessobjects": true, "all_tables": true, "user_tables": true, "v$version": true, "sysdatabases": true,
	"xp_cmdshell": true, "sp_executesql": true, "xp_dirtree": true,
}

// pairs are words that make a statement when they follow each other.
var pairs = map[[2]string]bool{
	{"union", "select"}: true, {"into", "outfile"}: true, {"into", "dumpfile"}: true, {"waitfor", "delay"}: true, {"waitfor", "time"}: true,
	{"procedure", "analyse"}: true, {"drop", "table"}: true, {"drop", "database"}: true, {"truncate", "table"}: true, {"alter", "table"}: true,
	{"insert", "into"}: true, {"delete", "from"}: true, {"exec", "master"}: true, {"execute", "immediate"}: true, {"create", "table"}: true,
}

// skipped are words between two of a pair.
var skipped = map[string]bool{"all": true, "distinct": true, "distinctrow": true}

// statements are words that begin a statement behind a semicolon; true where that is one only
// if no word follows ("; select one" is English).
var statements = map[string]bool{
	"select": true, "update": true, "declare": true, "exec": false, "execute": true, "shutdown": false, "waitfor": false, "xp_cmdshell": false,
}

// longestWord is that of the tables.
const longestWord = 18

// hasPhrase tells whether a value has a phrase of SQL. It goes over the words once;
// comments and whatever else stands between them are skipped.
func hasPhrase(value []byte) bool {
	var bufs [2][longestWord]byte
	var last string // the word before, if nothing but space stands between
	semicolon := false
	turn := 0
	for i := 0; i < len(value); {
		c := value[i]
		switch {
		case isWordByte(c):
			from := i
			for i < len(value) && isWordByte(value[i]) {
				i++
			}
			if i-from > longestWord {
				last, semicolon = "", false
				continue
			}
			buf := &bufs[turn]
			for j, b := range value[from:i] {
				if b-'A' < 26 {
					b |= 0x20
				}
				buf[j] = b
			}
			word := buf[:i-from]
			if catalogs[string(word)] {
				return true
			}
			next := skipSpace(value, i)
			if next < len(value) && value[next] == '(' && calls[string(word)] {
				return true
			}
			if semicolon && i < len(value) && !isPlainEnd(value[i]) {
				alone, ok := statements[string(word)]
				if ok && !(alone && next < len(value) && isLetter(value[next])) {
					return true
				}
			}
			if skipped[string(word)] && last == "union" {
				continue
			}
			current := text(word)
			if last != "" && pairs[[2]string{last, current}] {
				return true
			}
			// The other buffer is free: last is not looked at any more.
			last, semicolon = current, false
			turn = 1 - turn
		case isSQLSpace(c):
			i++
		case c == '/' && i+1 < len(value) && value[i+1] == '*':
			i = skipComment(value, i)
		case c == '(' && last == "union": // union(select
			i++
		case c == ';':
			last, semicolon = "", true
			i++
		case c == '@' && bytes.HasPrefix(value[i:], []byte("@@")):
			return true // a server's variable
		default:
			last, semicolon = "", false
			i++
		}
	}
	return false
}

// isPlainEnd tells whether a word with c behind it ends a sentence.
func isPlainEnd(c byte) bool { return c == '.' || c == ',' || c == '!' || c == '?' || c == ':' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80 }

func isWordByte(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || c == '_' || c == '$'
}

func isSQLSpace(c byte) bool { return c <= ' ' || c == 0xa0 || c == '+' }

// skipSpace is where whitespace and comments from i on end.
func skipSpace(value []byte, i int) int {
	for i < len(value) {
		switch {
		case isSQLSpace(value[i]):
			i++
		case value[i] == '/' && i+1 < len(value) && value[i+1] == '*':
			i = skipComment(value, i)
		default:
			return i
		}
	}
	return i
}

// skipComment is where the comment that begins at i ends. What MySQL runs, behind /*!, is not
// skipped.
func skipComment(value []byte, i int) int {
	i += 2
	if i < len(value) && value[i] == '!' {
		i++
		for i < len(value) && value[i]-'0' < 10 {
			i++
		}
		return i
	}
	end := bytes.Index(value[i:], []byte("*/"))
	if end < 0 {
		return len(value)
	}
	return i + end + 2
}
