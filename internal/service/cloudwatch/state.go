package cloudwatch

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fastness/internal/store"
	"fastness/internal/store/table"

	"github.com/klauspost/compress/s2"
)

// dimension is a name with a value.
type dimension struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

// metricRecord is a metric: what has a series of data.
type metricRecord struct {
	Account    string      `json:"account"`
	Region     string      `json:"region"`
	Namespace  string      `json:"namespace"`
	Name       string      `json:"name"`
	Dimensions []dimension `json:"dimensions,omitempty"` // by name
	// First and Last are the first and the last hour with data, since 1970.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// series is what a metric's data lie under: a hash of what identifies it.
func (m *metricRecord) series() string {
	h := sha256.New()
	part := func(text string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(text)))
		h.Write(n[:])
		h.Write([]byte(text))
	}
	part(m.Namespace)
	part(m.Name)
	for _, d := range m.Dimensions {
		part(d.Name)
		part(d.Value)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// sortDimensions puts dimensions in their order; it tells whether two have one name.
func sortDimensions(all []dimension) (twice bool) {
	slices.SortFunc(all, func(a, b dimension) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(all); i++ {
		twice = twice || all[i].Name == all[i-1].Name
	}
	return twice
}

const tableService = "cloudwatch"

// The kinds of keys that are no records of tables.
const (
	kindJournal = "journal"
	kindHour    = "hour"
)

// tables are the room's records in the store.
type tables struct {
	metrics *table.Table[metricRecord]
	// places are the accounts and Regions that have metrics.
	places *table.Table[placeRecord]
}

// placeRecord is an account and Region that has metrics, with how far its hours were made coarser.
type placeRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	// Fives and Whole are the hours before which data are kept by five minutes, and by the hour.
	Fives int64 `json:"fives"`
	Whole int64 `json:"whole"`
}

func newTables(reg *table.Registry) (*tables, error) {
	t := new(tables)
	err := errors.Join(
		register(reg, &t.metrics, table.Def[metricRecord]{
			Kind:  "metric",
			Scope: func(m *metricRecord) table.Scope { return table.Scope{Account: m.Account, Region: m.Region} },
			ID: func(m *metricRecord) []table.Part {
				return []table.Part{table.String(m.Namespace), table.String(m.Name), table.String(m.series())}
			},
		}),
		register(reg, &t.places, table.Def[placeRecord]{
			Kind:  "place",
			Scope: func(p *placeRecord) table.Scope { return table.Scope{Account: p.Account, Region: p.Region} },
			ID:    func(*placeRecord) []table.Part { return []table.Part{table.String("only")} },
		}),
		reg.Reserve(tableService, kindJournal, func(b []byte) error { return unpack(b, new([]entry)) }),
		reg.Reserve(tableService, kindHour, func(b []byte) error { return unpack(b, new([]aggregate)) }),
	)
	if err != nil {
		return nil, fmt.Errorf("cloudwatch: %w", err)
	}
	return t, nil
}

func register[T any](reg *table.Registry, place **table.Table[T], def table.Def[T]) (err error) {
	def.Service = tableService
	*place, err = table.Register(reg, def)
	return err
}

// Register defines the room's tables for whoever examines a store without opening the
// room; New does it by itself.
func Register(reg *table.Registry) error {
	_, err := newTables(reg)
	return err
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

func space(sc table.Scope, kind string) []byte {
	return table.Key(table.String(sc.Account), table.String(sc.Region), table.String(tableService), table.String(kind))
}

// journalKey is the key of a new row of the journal.
func journalKey(sc table.Scope, now time.Time) []byte {
	var n [8]byte
	_, _ = rand.Read(n[:])
	return table.AppendKey(space(sc, kindJournal), table.Uint(uint64(now.UnixMicro())), table.Uint(binary.BigEndian.Uint64(n[:])))
}

// hourKey is the key of an hour of a series.
func hourKey(sc table.Scope, hour int64, series string) []byte {
	return table.AppendKey(hoursFrom(sc, hour), table.String(series))
}

func hoursFrom(sc table.Scope, hour int64) []byte {
	return table.AppendKey(space(sc, kindHour), table.Uint(uint64(max(hour, 0))))
}

// packed is what values are: a version, then compressed JSON.
const packedVersion = 1

// maxUnpacked bounds a value that is unpacked.
const maxUnpacked = 8 << 20

func pack(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("cloudwatch: %w", err)
	}
	return append([]byte{packedVersion}, s2.Encode(nil, text)...), nil
}

func unpack(b []byte, v any) error {
	if len(b) == 0 || b[0] != packedVersion {
		return errors.New("cloudwatch: damaged value")
	}
	if n, err := s2.DecodedLen(b[1:]); err != nil || n > maxUnpacked {
		return errors.New("cloudwatch: damaged value")
	}
	text, err := s2.Decode(nil, b[1:])
	if err != nil {
		return fmt.Errorf("cloudwatch: damaged value: %w", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return errors.New("cloudwatch: damaged value")
	}
	return nil
}
