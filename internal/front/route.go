package front

import (
	"mime"
	"net/http"
	"strings"

	"fastness/internal/sigv4"
	"fastness/internal/wire"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/uritemplate"
)

// target is what a request means: an API, the protocol it is spoken in and, once it
// is known, the operation.
type target struct {
	room   *Room
	codec  wire.Codec
	op     *wire.Operation
	labels []string
}

// router finds the target of a request. It is immutable.
type router struct {
	codecs    map[wire.Protocol]wire.Codec
	byTarget  map[string]*Room   // X-Amz-Target before the last dot
	bySigning map[string][]*Room // signing name
	byHost    map[string]*Room   // first label of AWS's host names
	paths     map[*wire.API]*uritemplate.Router
}

// routeError is a request that means nothing, or two things at once. api and codec
// are what is known of the answer's form.
type routeError struct {
	api   *wire.API
	codec wire.Codec
	err   *wire.CommonError
	// serviceUnknown: nothing in the request says which service it is for. A broken
	// signature may be the reason.
	serviceUnknown bool
}

func (r *router) codec(api *wire.API, protocols ...wire.Protocol) wire.Codec {
	for _, p := range protocols {
		if api == nil || api.Speaks(p) {
			return r.codecs[p]
		}
	}
	return nil
}

// route decides, in this order: the path of rpcv2Cbor, X-Amz-Target, the service in
// the credential scope, the host name, the Version of a query; then, for query APIs,
// Action and Version, and for REST APIs the path. Two that contradict each other are
// an error, never a guess.
func (r *router) route(req *http.Request, sig *sigv4.Signature, body []byte) (target, *routeError) {
	amzTarget := req.Header["X-Amz-Target"]
	cborPath := first(req.Header, "Smithy-Protocol") == "rpc-v2-cbor"
	form := isForm(req)
	hasAction := form && awsquery.HasAction(body) || awsquery.HasAction([]byte(req.URL.RawQuery))
	if len(amzTarget) > 1 || len(amzTarget) > 0 && (cborPath || hasAction) {
		return target{}, r.unrouted(nil, wire.AWSJSON11, wire.MalformedQuery, "The request names more than one operation.")
	}
	switch {
	case cborPath:
		return r.routeCBOR(req)
	case len(amzTarget) == 1:
		return r.routeTarget(req, amzTarget[0])
	}
	room, ambiguous := r.byScopeOrHost(req, sig)
	if room == nil && !ambiguous && hasAction {
		room, ambiguous = r.byVersion(actionSource(req, form, body))
	}
	if room == nil {
		if ambiguous {
			return target{}, r.unrouted(nil, wire.AWSQuery, wire.MalformedQuery, "The request does not say which service it means.")
		}
		protocol := wire.RESTJSON1
		if hasAction || form {
			protocol = wire.AWSQuery
		}
		err := r.unrouted(nil, protocol, wire.UnknownOperation, "Could not find the service that the request means.")
		err.serviceUnknown = true
		return target{}, err
	}
	api := room.API
	if codec := r.codec(api, wire.AWSQuery, wire.EC2Query); codec != nil && (hasAction || form || !r.isREST(api)) {
		return r.routeQuery(room, codec, req, form, body)
	}
	if paths := r.paths[api]; paths != nil {
		codec := r.codec(api, wire.RESTJSON1, wire.RESTXML)
		// The path that the signature covers is the normalized one, so that one is routed.
		op, labels, err := paths.Match(req.Method, sigv4.NormalizePath(req.URL.EscapedPath()), req.URL.RawQuery, req.Header)
		if err != nil {
			return target{}, &routeError{api: api, codec: codec, err: &wire.CommonError{Kind: wire.UnknownOperation, Message: "Unable to determine service/operation name to be authorized"}}
		}
		return target{room, codec, op, labels}, nil
	}
	return target{}, r.unrouted(api, wire.AWSJSON11, wire.UnknownOperation, "")
}

// bound is how many bytes the body of a request may have, as far as its head tells: those of
// the room that it names, of several that it may mean the most, and DefaultMaxBody if it
// names none. It goes by the same things as route, in the same order, before the body is
// read.
func (r *router) bound(req *http.Request, sig *sigv4.Signature) int64 {
	var room *Room
	switch amzTarget := req.Header["X-Amz-Target"]; {
	case first(req.Header, "Smithy-Protocol") == "rpc-v2-cbor":
		rest, _ := strings.CutPrefix(req.URL.EscapedPath(), "/service/")
		service, _, _ := strings.Cut(rest, "/operation/")
		room = r.byTarget[service]
	case len(amzTarget) > 0:
		if dot := strings.LastIndexByte(amzTarget[0], '.'); dot >= 0 {
			room = r.byTarget[amzTarget[0][:dot]]
		}
	default:
		var ambiguous bool
		if room, ambiguous = r.byScopeOrHost(req, sig); ambiguous {
			most := int64(0)
			for _, room := range r.bySigning[sig.Service] {
				most = max(most, room.maxBody())
			}
			return most
		}
	}
	if room == nil {
		return DefaultMaxBody
	}
	return room.maxBody()
}

func (r *router) isREST(api *wire.API) bool {
	return api.Speaks(wire.RESTJSON1) || api.Speaks(wire.RESTXML)
}

func (r *router) unrouted(api *wire.API, p wire.Protocol, kind wire.Common, message string) *routeError {
	return &routeError{api: api, codec: r.codecs[p], err: &wire.CommonError{Kind: kind, Message: message}}
}

// routeCBOR reads /service/<name>/operation/<op> (Smithy RPC v2 CBOR).
func (r *router) routeCBOR(req *http.Request) (target, *routeError) {
	codec := r.codecs[wire.RPCv2CBOR]
	rest, found := strings.CutPrefix(req.URL.EscapedPath(), "/service/")
	service, name, ok := strings.Cut(rest, "/operation/")
	room := r.byTarget[service]
	if !found || !ok || room == nil || !room.API.Speaks(wire.RPCv2CBOR) {
		return target{}, &routeError{api: nil, codec: codec, err: &wire.CommonError{Kind: wire.UnknownOperation}}
	}
	op := room.API.Operation(name)
	if op == nil {
		return target{}, &routeError{api: room.API, codec: codec, err: &wire.CommonError{Kind: wire.UnknownOperation}}
	}
	return target{room, codec, op, nil}, nil
}

// routeTarget reads X-Amz-Target: the operation stands behind the last dot, because
// prefixes may hold dots themselves (CloudTrail's does).
func (r *router) routeTarget(req *http.Request, value string) (target, *routeError) {
	codec := r.codecs[wire.AWSJSON11]
	if mediaType(req) == "application/x-amz-json-1.0" {
		codec = r.codecs[wire.AWSJSON10]
	}
	dot := strings.LastIndexByte(value, '.')
	if dot < 0 {
		return target{}, &routeError{api: nil, codec: codec, err: &wire.CommonError{Kind: wire.UnknownOperation}}
	}
	room := r.byTarget[value[:dot]]
	if room == nil {
		return target{}, &routeError{api: nil, codec: codec, err: &wire.CommonError{Kind: wire.UnknownOperation}}
	}
	if !room.API.Speaks(codec.Protocol()) {
		codec = r.codec(room.API, wire.AWSJSON11, wire.AWSJSON10)
		if codec == nil {
			return target{}, &routeError{api: room.API, codec: r.codecs[wire.AWSJSON11], err: &wire.CommonError{Kind: wire.UnknownOperation}}
		}
	}
	op := room.API.Operation(value[dot+1:])
	if op == nil || req.Method != http.MethodPost {
		return target{}, &routeError{api: room.API, codec: codec, err: &wire.CommonError{Kind: wire.UnknownOperation}}
	}
	return target{room, codec, op, nil}, nil
}

func (r *router) routeQuery(room *Room, codec wire.Codec, req *http.Request, form bool, body []byte) (target, *routeError) {
	api := room.API
	if req.Method != http.MethodGet && req.Method != http.MethodPost {
		return target{}, &routeError{api: api, codec: codec, err: &wire.CommonError{Kind: wire.UnknownOperation, Message: "The query protocols take GET and POST only."}}
	}
	if form && awsquery.HasAction(body) && awsquery.HasAction([]byte(req.URL.RawQuery)) {
		return target{}, &routeError{api: api, codec: codec, err: &wire.CommonError{Kind: wire.MalformedQuery, Message: "The request names an Action both in its URL and in its body."}}
	}
	action, version, err := awsquery.Action(actionSource(req, form, body))
	if err != nil {
		return target{}, &routeError{api: api, codec: codec, err: &wire.CommonError{Kind: wire.MalformedQuery, Message: err.Error()}}
	}
	if action == "" {
		return target{}, &routeError{api: api, codec: codec, err: &wire.CommonError{Kind: wire.MissingAction, Message: "Missing Action"}}
	}
	if version == "" {
		version = noVersion
	}
	op := api.Operation(action)
	if op == nil || version != api.Version {
		return target{}, &routeError{api: api, codec: codec, err: &wire.CommonError{Kind: wire.UnknownOperation, Message: "Could not find operation " + printable(action) + " for version " + printable(version)}}
	}
	return target{room, codec, op, nil}, nil
}

// noVersion is how AWS names an absent Version in its error.
const noVersion = "NO_VERSION_SPECIFIED"

// actionSource is the form that holds the Action: the URL or else the body.
func actionSource(req *http.Request, form bool, body []byte) []byte {
	query := []byte(req.URL.RawQuery)
	if form && !awsquery.HasAction(query) {
		return body
	}
	return query
}

// byScopeOrHost finds the room by the service in the credential scope, or by the
// host name. Where several APIs share a signing name, the host decides.
func (r *router) byScopeOrHost(req *http.Request, sig *sigv4.Signature) (room *Room, ambiguous bool) {
	label, _, _ := strings.Cut(req.Host, ".")
	if sig != nil {
		rooms := r.bySigning[sig.Service]
		if len(rooms) == 1 {
			return rooms[0], false
		}
		for _, room := range rooms {
			if room.API.EndpointPrefix == label {
				return room, false
			}
		}
		return nil, len(rooms) > 0
	}
	if strings.HasSuffix(req.Host, ".amazonaws.com") {
		if room := r.byHost[label]; room != nil {
			return room, false
		}
	}
	return nil, false
}

// byVersion finds the room of a query that says nowhere else which service it means:
// unsigned (AssumeRoleWithWebIdentity at a host name of the operator's), or under a
// signature that cannot be read or names no service of ours. An API of that Version
// has an operation of that name. Two are ambiguous.
func (r *router) byVersion(query []byte) (room *Room, ambiguous bool) {
	action, version, err := awsquery.Action(query)
	if err != nil {
		return nil, false
	}
	for _, rooms := range r.bySigning {
		for _, candidate := range rooms {
			api := candidate.API
			if api.Version != version || api.Operation(action) == nil || r.codec(api, wire.AWSQuery, wire.EC2Query) == nil {
				continue
			}
			if room != nil {
				return nil, true
			}
			room = candidate
		}
	}
	return room, false
}

// first is the first value of a header field whose name is given in canonical form.
// Header.Get would bring it into that form each time.
func first(h http.Header, canonical string) string {
	if v := h[canonical]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func mediaType(req *http.Request) string {
	v := first(req.Header, "Content-Type")
	switch v { // what clients of the JSON protocols send, to the letter
	case "application/x-amz-json-1.1", "application/x-amz-json-1.0", "application/json", "application/cbor":
		return v
	}
	t, _, err := mime.ParseMediaType(v)
	if err != nil {
		return ""
	}
	return t
}

func isForm(req *http.Request) bool {
	return req.Method == http.MethodPost && mediaType(req) == "application/x-www-form-urlencoded"
}

// printable bounds and cleans a caller's text for use in a message.
func printable(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
