// Package wide reads text in UTF-16, UTF-32 and EBCDIC, which nobody declares who wants to get past a firewall: documents of
// XML and JSON may be in them, and their readers find that out by the first bytes (XML 1.0, appendix F; RFC 4627, section 3).
//
// [Append] does the same: by a mark of the order of bytes, by zeros between signs of ASCII, and by "<?xm" in EBCDIC, of which code
// pages 037 and 500 are known.
package wide
