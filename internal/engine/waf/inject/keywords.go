package inject

import "strings"

// keywords are all words in what libinjection knows by name (functions, keywords, types,
// operators, and phrases of them), in lower case. A test compares the list with the library's.
var keywords = func() map[string]bool {
	m := make(map[string]bool)
	for w := range strings.FieldsSeq(keywordList) {
		m[w] = true
	}
	return m
}()

// keywordShape rules out most words that are none: by the first letter, which second letters
// and which lengths keywords have. The 27th first letter is the underscore.
var keywordShape = func() (t [27]struct{ second, lengths uint64 }) {
	for w := range keywords {
		s := &t[letter(w[0])]
		s.second |= 1 << letter(w[1])
		s.lengths |= 1 << len(w)
	}
	return t
}()

// letter numbers the bytes of keywords: lower-case letters, underscore, digits; 63 is any other.
func letter(c byte) int {
	switch {
	case c-'a' < 26:
		return int(c - 'a')
	case c == '_':
		return 26
	case c-'0' < 10:
		return 27 + int(c-'0')
	}
	return 63
}

// isKeyword tells whether a word is a keyword in any case.
func isKeyword(word []byte) bool {
	if len(word) < 2 || len(word) > longestKeyword {
		return false
	}
	first := letter(lower(word[0]))
	if first >= len(keywordShape) {
		return false
	}
	shape := &keywordShape[first]
	if shape.lengths&(1<<len(word)) == 0 || shape.second&(1<<letter(lower(word[1]))) == 0 {
		return false
	}
	var buf [longestKeyword]byte
	for i, c := range word {
		buf[i] = lower(c)
	}
	return keywords[string(buf[:len(word)])]
}

// longestKeyword is the length of the longest one.
const longestKeyword = 29

const keywordList = `
_armscii8 _ascii _big5 _binary _cp1250 _cp1251 _cp1257 _cp850 _cp852 _cp866 _cp932 _dec8
_eucjpms _euckr _gb2312 _gbk _geostd8 _greek _hebrew _hp8 _keybcs2 _koi8r _koi8u _latin1
_latin2 _latin5 _latin7 _macce _macroman _sjis _swe7 _tis620 _ujis _usc2 _utf8 abort abs
accessible acos adddate addtime aes_decrypt aes_encrypt against age all all_users alter
analyse analyze and any anyarray anyelement anynonarry app_name applock_mode applock_test
array_agg array_cat array_dim array_fill array_length array_lower array_ndims array_prepend
array_to_json array_to_string array_upper as asc ascii asensitive asin assemblyproperty
asymkey_id at atan atan2 autoincrement avg before begin benchmark between bigint bigserial
bin binary binary_double_infinity binary_double_nan binary_float_infinity binary_float_nan
binbinary bit_and bit_count bit_length bit_or bit_xor blob bool_and bool_or boolean both
btrim by bytea call cascade case cast cbool cbrt cbyte ccur cdate cdbl ceil ceiling cert_id
cert_property certencoded certprivatekey change changes char char_length character
character_length charindex charset chdir chdrive check checksum_agg choose chr cint clng
clock_timestamp coalesce coercibility col_length col_name collate collation
collationproperty column columnproperty columns_updated compress concat concat_ws condition
connection_id constraint continue conv convert convert_from convert_to convert_tz cos cot
count count_big crc32 create cross csng cstring ctxsys cume_dist curdate curdir current
current_database current_date current_path current_query current_schema current_schemas
current_server current_setting current_time current_timestamp current_timezone current_user
currentuser currval cursor cursor_status curtime cvar data database database_name
database_principal_id databasepropertyex databases datalength date date_add date_format
date_part date_sub date_trunc dateadd datediff datefromparts datename datepart dateserial
datetime2fromparts datetimefromparts datetimeoffsetfromparts datevalue davg day day_hour
day_microsecond day_minute day_second dayname dayofmonth dayofweek dayofyear db_id db_name
dbms_lock dbms_pipe dbms_utility dcount dec decimal declare decode decryptbyasmkey
decryptbycert decryptbykey decryptbykeyautocert decryptbypassphrase default degree degrees
delay delayed delete dense_rank des_decrypt des_encrypt desc describe deterministic dfirst
difference distinct distinctrow div dlast dlookup dmax dmin do domain double drithsx drop
dsum dual dumpfile each else elseif elt enclosed encode encrypt encryptbyasmkey
encryptbycert encryptbykey encryptbypassphrase enum_first enum_last enum_range eomonth eqv
escaped eventdata except exec execute exists exit exp explain export_set extract
extract_value extractvalue false fetch field file_id file_idex file_name filedatetime
filegroup_id filegroup_name filegroupproperty filelen fileproperty filetoblob filetoclob
find_in_set first_value float float4 float8 floor fn_builtin_permissions fn_get_audit_file
fn_my_permissions fn_virtualfilestats for force foreign format found_rows from from_base64
from_days from_unixtime full fulltext fulltextcatalogproperty fulltextserviceproperty
function generate_series generate_subscripts get_bit get_byte get_format get_host_address
get_host_name get_lock getattr getdate getutcdate go goto grant greatest group group_concat
grouping grouping_id handler has_perms_by_name hashbytes having hex high_priority host_name
hour hour_microsecond hour_minute hour_second ident_current ident_incr ident_seed identify
if iff ifnull ignore iif in index index_col indexkey_property indexproperty inet_aton
inet_ntoa infile initcap inner inout insensitive insert instr instrrev int int1 int2 int3
int4 int8 integer intersect interval into is is_free_lock is_member is_objectsigned
is_rolemember is_srvrolemember is_used_lock isdate isempty isfinite isnull isnumeric iterate
join json_keys julianday justify_days justify_hours justify_interval key_guid key_id keys
kill lag last_insert_id last_insert_rowid last_value lastval lcase lead leading least leave
left length like limit linear lines ln load load_extension load_file localtime
localtimestamp locate lock locked log log10 log2 login longblob longtext loop low_priority
lower lower_inc lower_inf lpad ltrim make_set makedate masklen master_bind master_pos_wait
master_ssl_verify_server_cert match max maxvalue md5 mediumblob mediumint mediumtext merge
microsecond mid middleint min minute minute_microsecond minute_second mkdir mod mode
modifies money month monthname name_const natural netmask next nextval no_write_to_binlog
not notnull now nowait nth_value ntile null nullif numeric nz object_definition object_id
object_name object_schema_name objectproperty objectpropertyex oct octet_length of offset
oid old_password one_shot open opendatasource openquery openrowset openxml optimize option
optionally or ord order original_db_name original_login out outer outfile overlaps overlay
own3d parsename partition password path pathindex patindex percent_rank percentile_count
percentile_disc percentile_rank period_add period_diff permissions pg_advisory_lock
pg_backend_pid pg_cancel_backend pg_client_encoding pg_conf_load_time
pg_create_restore_point pg_has_role pg_is_in_recovery pg_is_other_temp_schema
pg_listening_channels pg_ls_dir pg_my_temp_schema pg_postmaster_start_time
pg_read_binary_file pg_read_file pg_reload_conf pg_rotate_logfile pg_sleep pg_start_backup
pg_stat_file pg_stop_backup pg_switch_xlog pg_terminate_backend pg_trigger_depth pi position
pow power precision previous primary print procedure publishingservername purge pwdcompare
pwdencrypt quarter quote quote_ident quote_literal quote_nullable quotename radians
raiseerror rand random randomblob range rank read read_write reads real receive
receive_message references regclass regconfig regdictionary regexp regexp_instr
regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr
regoper regoperator regproc regprocedure regtype release release_lock rename repeat replace
replicate request require resignal restrict return reverse revoke right rlike rollup round
row row_count row_number row_to_json rpad rtrim schama_name schema schema_id schemas
scope_identity sec_to_time second_microsecond select sensitive separator serial serial2
serial4 serial8 server serverproperty session_user set set_bit set_byte set_config
set_masklen setattr setseed setval sha sha1 sha2 share show shutdown sign signal
signbyasmkey signbycert similar sin skip sleep smalldatetimefromparts smallint smallserial
sn some soundex sounds space spatial specific split_part sql sql_big_result
sql_buffer_result sql_cache sql_calc_found_rows sql_no_cache sql_small_result
sql_variant_property sqlexception sqlid_to_sqlhash sqlite_version sqlstate sqlwarning sqrt
ssl starting statement_timestamp stats_date stddev stddev_pop stddev_samp str_to_date stragg
straight_join strcmp strcomp strconv string_agg string_to_array strpos stuff subdate substr
substring substring_index subtime sum suser_id suser_name suser_sid suser_sname switchoffet
sys syscolumns sysdate sysdatetime sysdatetimeoffset sysobjects system_user sysusers
sysutcdatetme table tables tan terminated tertiary_weights text textpos textptr textvalid
then time time_format time_to_sec timediff timefromparts timeofday timeserial timestamp
timestampadd timevalue timezone tinyblob tinyint tinytext to to_ascii to_base64 to_char
to_date to_days to_hex to_number to_seconds to_timestamp todatetimeoffset top total
total_changes trailing transaction_timestamp translate trigger trigger_nestlevel trim true
trunc truncate try try_cast try_convert try_parse type_id type_name typeof typeproperty
ucase uescape uncompress uncompress_length undo unhex uni_on unicode union unique
unix_timestamp unknown unlock unnest unsigned update updatexml upper upper_inc upper_inf
usage use user user_id user_lock user_name using utc_date utc_time utc_timestamp utl_http
utl_inaddr uuid uuid_short value values var var_pop var_samp varbinary varchar varcharacter
variance varp varying verifysignedbyasmkey verifysignedbycert version void wait waitfor week
weekday weekdayname weekofyear when where while width_bucket with write xml
xml_is_well_formed xmlagg xmlcomment xmlconcat xmlelement xmlexists xmlforest xmlformat
xmlpi xmlroot xmltype xor xp_execresultset xpath xpath_exists year year_month yearweek
zeroblob zerofill zone
`
