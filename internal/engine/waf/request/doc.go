// Package request is a web request as the rules of a web ACL see it: what AWS WAF calls a
// web request component (FieldToMatch), and what else SecLang's variables and our own rule
// groups look at.
//
// A Request holds what came in, undecoded: the head's fields in their order and spelling,
// the target, the first bytes of the body. An Inspection takes it apart lazily, each part once
// however many rules ask. A Component is a rule's description of where to look, plain data;
// compiled, it is a Selector, which appends the values it selects to a slice:
//
//	in.Reset(&r)
//	values, outcome := selector.Append(values[:0], in)
//
// The values are byte slices that share the request's strings, its body, or scratch memory
// of the Inspection. Nobody may write to them, and they are gone with the next Reset. At
// steady state nothing is allocated.
//
// # As sent, or decoded
//
// AWS inspects the URI path, the query string and the query arguments as they were sent
// ("AWS WAF doesn't normalize the URI and inspects it just as it receives it"); a rule that
// wants them decoded says URL_DECODE. So do UriPath, QueryString, SingleQueryArgument and
// AllQueryArguments here. A query argument's name is compared without regard to case both as
// sent and decoded, since what runs behind the firewall decodes names, too. JSON is parsed
// before transformations, so its keys and strings come decoded. Arguments, BodyArguments and
// their names, which AWS does not have, come decoded as an application sees them: from the
// query, and from a form, multipart or JSON body.
//
// # Nothing escapes silently
//
// Everything that a sender controls is bounded (Limits), and where a bound is hit what is
// left is still one value: the 16,385th argument of a query and all that follow are
// inspected as one text. Besides, the Outcome says Oversize, and the component's oversize
// handling decides, as it does for a body longer than its inspected prefix. Only where AWS
// itself looks no further, at header fields and cookies beyond 200 or 8 KB, what lies
// beyond is left out; SingleHeader finds a field wherever it is.
//
// Costs are linear in the request.
//
//	request.go       what came in
//	component.go     what to look at, as data
//	selector.go      a compiled component
//	inspection.go    the parts of a request, taken apart once
//	limits.go        bounds
//	fields.go        header fields, their order
//	cookies.go       cookies
//	query.go         query arguments
//	preparse.go      what AWS does to a query string before it splits it
//	json.go          a tokenizer of JSON that forgives what AWS forgives
//	pointer.go       JSON pointers
//	format.go        what kind of body it is
//	arguments.go     arguments as an application sees them
//	multipart.go     multipart/form-data
//	xml.go           text and attributes of XML
//	forwarded.go     the client's address from a header field
package request
