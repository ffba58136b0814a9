// Package xmlbody reads and writes the XML documents of the query, ec2Query and
// restXml protocols, straight between bytes and generated structs.
//
// The reader takes elements, attributes, character data, CDATA sections, the five
// predefined entities and character references. It refuses document type
// declarations, so that no entity can be defined, and any other entity reference.
// Element nesting and the memory a document makes us allocate are bounded.
package xmlbody
