package attack

// sqlClass is what a word does in a statement.
type sqlClass uint8

const (
	_         sqlClass = iota
	classBool          // or
	classOperator
	classIs
	classIn
	classNot
	classBetween
	classPair    // an operator of two words
	classPostfix // isnull
	classSet     // union
	classSelect  // select, values, table, with
	classClause  // having, limit: an operand follows
	classBy      // group, order
	classTail    // for update
	classUnary   // exists
	classConstant
	classCase
	classPart // of a selection: from, as, join
	classTyped
	classLogic // when, then, else
	classEnd
	classStatement // what may begin a statement
)

// sqlWords are the words that do something.
var sqlWords = map[string]sqlClass{
	"or": classBool, "and": classBool, "xor": classBool,
	"like": classOperator, "rlike": classOperator, "regexp": classOperator, "ilike": classOperator, "glob": classOperator, "match": classOperator, "div": classOperator, "mod": classOperator,
	"escape": classOperator, "overlaps": classOperator, "collate": classOperator,
	"is": classIs, "in": classIn, "not": classNot, "between": classBetween,
	"sounds": classPair, "similar": classPair, "member": classPair, "at": classPair,
	"isnull": classPostfix, "notnull": classPostfix,
	"union": classSet, "except": classSet, "intersect": classSet, "minus": classSet,
	"select": classSelect, "values": classSelect, "table": classSelect, "with": classSelect,
	"having": classClause, "where": classClause, "limit": classClause, "offset": classClause, "into": classClause, "procedure": classClause, "returning": classClause,
	"group": classBy, "order": classBy,
	"for": classTail, "lock": classTail, "fetch": classTail, "window": classTail,
	"exists": classUnary, "binary": classUnary, "distinct": classUnary, "all": classUnary, "any": classUnary, "some": classUnary, "distinctrow": classUnary, "sql_cache": classUnary, "high_priority": classUnary, "interval": classUnary, "symmetric": classUnary,
	"null": classConstant, "true": classConstant, "false": classConstant, "current_user": classConstant, "session_user": classConstant, "current_timestamp": classConstant, "current_date": classConstant, "current_time": classConstant,
	"system_user": classConstant, "localtime": classConstant, "localtimestamp": classConstant,
	"case": classCase, "when": classLogic, "then": classLogic, "else": classLogic, "end": classEnd,
	"from": classPart, "as": classPart, "join": classPart, "on": classPart, "using": classPart, "natural": classPart, "left": classPart, "right": classPart, "inner": classPart, "cross": classPart, "full": classPart, "outer": classPart,
	"asc": classPostfix, "desc": classPostfix, "separator": classOperator,
	"date": classTyped, "time": classTyped, "timestamp": classTyped, "text": classTyped, "bool": classTyped, "int": classTyped, "name": classTyped, "bit": classTyped, "d": classTyped, "t": classTyped, "ts": classTyped,
	"insert": classStatement, "update": classStatement, "delete": classStatement, "drop": classStatement, "create": classStatement, "alter": classStatement, "truncate": classStatement, "replace": classStatement,
	"show": classStatement, "describe": classStatement, "explain": classStatement, "do": classStatement, "set": classStatement, "handler": classStatement, "call": classStatement, "execute": classStatement, "exec": classStatement,
	"prepare": classStatement, "declare": classStatement, "copy": classStatement, "notify": classStatement, "listen": classStatement, "vacuum": classStatement, "analyze": classStatement, "reset": classStatement, "begin": classStatement,
	"commit": classStatement, "rollback": classStatement, "pragma": classStatement, "attach": classStatement, "detach": classStatement, "reindex": classStatement, "savepoint": classStatement, "rename": classStatement, "optimize": classStatement,
	"kill": classStatement, "flush": classStatement, "merge": classStatement, "load": classStatement, "import": classStatement, "discard": classStatement, "grant": classStatement, "revoke": classStatement, "comment": classStatement,
	"waitfor": classStatement, "shutdown": classStatement, "use": classStatement, "dbcc": classStatement, "backup": classStatement, "if": classStatement, "print": classStatement, "start": classStatement, "close": classStatement, "open": classStatement,
}

// unnested are functions that are of databases, or that those who look for a hole use.
var unnested = map[string]bool{
	"version": true, "user": true, "database": true, "schema": true, "sleep": true, "benchmark": true, "pg_sleep": true, "current_database": true, "current_schema": true, "sqlite_version": true, "randomblob": true, "zeroblob": true,
	"extractvalue": true, "updatexml": true, "load_file": true, "substr": true, "substring": true, "mid": true, "ascii": true, "ord": true, "hex": true, "unhex": true, "char": true, "chr": true, "nchar": true, "concat": true, "concat_ws": true, "group_concat": true,
	"ifnull": true, "nullif": true, "coalesce": true, "iif": true, "if": true, "cast": true, "convert": true, "elt": true, "field": true, "find_in_set": true, "make_set": true, "strcmp": true, "instr": true, "locate": true, "position": true,
	"connection_id": true, "last_insert_id": true, "row_count": true, "found_rows": true, "get_lock": true, "json_extract": true, "json_valid": true, "json_length": true, "json_keys": true, "json_type": true, "json_array": true, "typeof": true, "unicode": true, "quote": true,
	"db_name": true, "user_name": true, "suser_name": true, "host_name": true, "isnull": true, "len": true, "sys_context": true, "utl_inaddr": true, "xmltype": true, "query_to_xml": true, "current_setting": true, "pg_typeof": true, "pg_backend_pid": true, "string_agg": true,
	"array_agg": true, "changes": true, "total_changes": true, "last_insert_rowid": true, "sqlite_source_id": true, "load_extension": true, "row": true, "uuid": true, "crc32": true, "md5": true, "sha1": true, "conv": true, "bin": true, "char_length": true, "octet_length": true, "bit_length": true, "lpad": true, "rpad": true,
	"regexp_like": true, "regexp_instr": true, "regexp_replace": true, "soundex": true, "name_const": true, "generate_series": true, "likelihood": true, "unlikely": true, "glob": true, "printf": true, "left": true, "right": true, "length": true,
}
