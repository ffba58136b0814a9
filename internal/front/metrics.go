package front

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"fastness/internal/wire"
)

// Metrics are the door's Prometheus metrics.
type Metrics struct {
	requests  *prometheus.CounterVec
	succeeded sync.Map // *wire.Operation to prometheus.Counter
	panics    prometheus.Counter
	refused   prometheus.Counter
	unaudited prometheus.Counter
}

// NewMetrics registers the door's metrics with r.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fastness_requests_total", Help: "Requests answered, by API, operation and error code (empty for success).",
		}, []string{"api", "operation", "code"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fastness_panics_total", Help: "Panics that were turned into InternalFailure.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fastness_authentication_failures_total", Help: "Requests whose signature or credentials were refused.",
		}),
		unaudited: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fastness_audit_failures_total", Help: "Calls that failed because the audit log could not be written.",
		}),
	}
	r.MustRegister(m.requests, m.panics, m.refused, m.unaudited)
	return m
}

// answered counts a request. Names come from the tables, never from the caller, so
// the number of series is bounded.
func (m *Metrics) answered(api *wire.API, op *wire.Operation, code string) {
	name, operation := "", ""
	if api != nil {
		name = api.Name
	}
	if op != nil {
		operation = op.Name
	}
	m.requests.WithLabelValues(name, operation, code).Inc()
}

// succeed counts a success of op. Looking the series up by its labels costs a lock
// and a hash of all of them; successes are remembered by their operation.
func (m *Metrics) succeed(op *wire.Operation) {
	c, ok := m.succeeded.Load(op)
	if !ok {
		c, _ = m.succeeded.LoadOrStore(op, m.requests.WithLabelValues(op.API().Name, op.Name, ""))
	}
	c.(prometheus.Counter).Inc()
}
