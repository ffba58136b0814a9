package acm

import (
	"testing"

	"fastness/internal/api/acmapi"
	"fastness/internal/ca"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/front"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

const (
	testAccount  = fronttest.Account
	otherAccount = fronttest.OtherAccount
	testRegion   = fronttest.Region
)

// harness is the room behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	house     *fronttest.House
	service   *Service
	door      *front.Door
	store     store.Store
	registry  *table.Registry
	clock     *clock.Manual
	queue     *due.Queue
	users     users
	authority *ca.Authority
	published int
}

// users use certificates, by ARN.
type users map[string][]string

func (u users) CertificateUsers(_ store.Reader, _, _, arn string) ([]string, error) {
	return u[arn], nil
}

func newHarness(t testing.TB, options ...func(*Config)) *harness {
	t.Helper()
	house := fronttest.New(t)
	h := &harness{TB: t, house: house, store: house.Store, registry: house.Registry, clock: house.Clock, queue: house.Queue, users: users{}}
	var err error
	h.authority, err = ca.New(h.clock.Now())
	house.Must(err)
	config := Config{
		Store: house.Store, Registry: house.Registry, Pages: house.Pages(), Jobs: house.Queue, Clock: house.Clock, Log: house.Log,
		Authority: h.authority, Users: h.users, Changed: func() { h.published++ },
	}
	for _, o := range options {
		o(&config)
	}
	h.service, err = New(config)
	house.Must(err)
	h.door = house.Door([]*front.Room{{API: acmapi.API, Service: h.service, Resolver: h.service, MaxBody: MaxBody}})
	return h
}

// allow gives a principal an identity policy.
func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	h.house.Allow(who, document)
}

func root(account string) *call.Principal { return fronttest.Root(account) }

func user(account, name string) *call.Principal { return fronttest.User(account, name) }

// as returns a client that calls as who in a Region.
func (h *harness) as(who *call.Principal, region string) *acmapi.Client {
	return acmapi.NewClient(&fronttest.Caller{Door: h.door, Who: who, Region: region, Clock: h.clock})
}

// admin is the root user of the test account.
func (h *harness) admin() *acmapi.Client { return h.as(root(testAccount), testRegion) }

// textOf is the code and the message of an API error.
func textOf(err error) string { return fronttest.Text(err) }
