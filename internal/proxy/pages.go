package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"fastness/internal/http1"
)

// serverField is what AWS's load balancers call themselves in answers of their own.
var serverField = http1.Field{Name: "Server", Value: "awselb/2.0"}

// statuses that only load balancers have ("Troubleshoot your Application Load Balancers").
const (
	// statusClientClosed: the client left before the answer. Only logs tell of it.
	statusClientClosed = 460
	// statusTooManyForwards: X-Forwarded-For has more than 30 addresses.
	statusTooManyForwards = 463
	// statusProtocolMismatch: the target group needs another version of the protocol.
	statusProtocolMismatch = 464
)

// phrases are those that AWS's pages have where they differ from the registered ones.
var phrases = map[int]string{
	http.StatusServiceUnavailable: "Service Temporarily Unavailable",
	http.StatusGatewayTimeout:     "Gateway Time-out",
	http.StatusRequestTimeout:     "Request Time-out",
	statusTooManyForwards:         "",
	statusProtocolMismatch:        "",
}

// pages are the load balancer's own answers.
var pages = func() map[int]*Response {
	all := map[int]*Response{}
	for status := 300; status < 600; status++ {
		all[status] = makePage(status)
	}
	return all
}()

// page is the load balancer's own answer with a status in 300–599.
func page(status int) *Response { return pages[status] }

func makePage(status int) *Response {
	phrase, ours := phrases[status]
	if !ours {
		phrase = http.StatusText(status)
	}
	title := strings.TrimSpace(strconv.Itoa(status) + " " + phrase)
	return &Response{
		Status: status, ContentType: "text/html", Fields: []http1.Field{serverField},
		Body: []byte("<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"),
	}
}

// BlockPage is the answer to a blocked request without a custom response. It is not to be
// changed.
func BlockPage() *Response { return page(http.StatusForbidden) }
