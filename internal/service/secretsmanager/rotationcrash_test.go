package secretsmanager

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/eventlog"
)

// lives runs one rotation through processes that die where the fuses say, and then one
// that does not, and checks what must hold after each death and in the end.
func lives(t *testing.T, fuses ...*fuse) (deaths int) {
	t.Helper()
	w := newRotationWorld(t, rotationStart)
	first := w.start(nil)
	arn := first.make("app")
	token := eventlog.NewID()
	asked := false
	for _, f := range append(fuses, nil) {
		p := w.start(f)
		if !asked {
			_, err := p.client().RotateSecret(t.Context(), &secretsmanagerapi.RotateSecretRequest{SecretId: &arn, ClientRequestToken: &token, RotationLambdaARN: new(singleUserARN)})
			if err != nil && !p.fuse.dead() {
				t.Fatal(err)
			}
			asked = err == nil // else the client asks again, with the same token
		}
		p.drain()
		if p.fuse.dead() {
			deaths++
		}
		// Whoever comes next can open the database with a value that is kept.
		after := w.start(nil)
		known := w.db.knows("app", after.password(arn, stageCurrent))
		if d := after.describe(arn); !known && slices.Contains(d.VersionIdsToStages[token], stagePending) {
			known = w.db.knows("app", after.password(arn, stagePending))
		}
		if !known {
			t.Fatal("the database has a password that is nowhere kept")
		}
	}
	p := w.start(nil)
	p.agree("app", arn)
	if got := w.tape.names(arn); !slices.Equal(got, []string{"RotationStarted", "RotationSucceeded"}) {
		t.Errorf("events %v", got)
	}
	if w.db.changes != 2 { // the first password, and one rotation
		t.Errorf("the database was changed %d times", w.db.changes)
	}
	if got := p.describe(arn).VersionIdsToStages[token]; !slices.Equal(got, []string{"AWSCURRENT"}) {
		t.Errorf("labels %v", got)
	}
	return deaths
}

// Dying before or after any single effect leaves nothing undone, and does nothing twice.
func TestARotationSurvivesADeathAtEveryPoint(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 0; ; n++ {
			if lives(t, &fuse{left: n, after: after}) == 0 {
				if n < 8 {
					t.Errorf("only %d effects", n)
				}
				break
			}
			if t.Failed() {
				t.Fatalf("died at effect %d, after it: %v", n, after)
			}
		}
	}
}

// Nor do several deaths, one after another, at points that chance selects.
func TestARotationSurvivesManyDeaths(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2026))
	for round := range 60 {
		fuses := make([]*fuse, 1+random.IntN(6))
		for i := range fuses {
			fuses[i] = &fuse{left: random.IntN(14), after: random.IntN(2) == 0}
		}
		lives(t, fuses...)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
}

// A hundred secrets rotate at the same time, with the real runner: no user is worked on
// by two rotations.
func TestRotationsRunInParallel(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arns := map[string]string{}
	for i := range 100 {
		name := "user" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		arns[name] = p.make(name)
		p.rotate(arns[name])
	}
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- p.RunRotations(ctx) }()
	w.tape.await("RotationSucceeded", len(arns))
	stop()
	<-done
	for name, arn := range arns {
		p.agree(name, arn)
	}
	if w.db.most != 1 {
		t.Errorf("%d rotations at once on one user", w.db.most)
	}
}

// A year, with restarts before and after each window, against tables made by hand.
func TestAYearOfSchedules(t *testing.T) {
	on := func(hour int, dates ...string) (times []time.Time) {
		for _, d := range dates {
			at, err := time.Parse("2006-01-02", "2028-"+d)
			if err != nil {
				t.Fatal(err)
			}
			times = append(times, at.Add(time.Duration(hour)*time.Hour))
		}
		return times
	}
	begin := time.Date(2027, 12, 31, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		adjust func(*secretsmanagerapi.RotateSecretRequest)
		put    string // a value is stored by hand on this day
		want   []time.Time
	}{
		{"first of the month", rules("cron(0 8 1 * ? *)", "2h"), "",
			on(8, "01-01", "02-01", "03-01", "04-01", "05-01", "06-01", "07-01", "08-01", "09-01", "10-01", "11-01", "12-01")},
		{"last of the month", rules("cron(0 0 L * ? *)", ""), "",
			on(0, "01-31", "02-29", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30", "12-31")},
		{"weekday nearest to the 15th", rules("cron(0 16 15W * ? *)", "1h"), "",
			on(16, "01-14", "02-15", "03-15", "04-14", "05-15", "06-15", "07-14", "08-15", "09-15", "10-16", "11-15", "12-15")},
		{"first Friday", rules("cron(0 2 ? * 6#1 *)", "4h"), "",
			on(2, "01-07", "02-04", "03-03", "04-07", "05-05", "06-02", "07-07", "08-04", "09-01", "10-06", "11-03", "12-01")},
		{"last Sunday", rules("cron(0 23 ? * 1L *)", "1h"), "",
			on(23, "01-30", "02-27", "03-26", "04-30", "05-28", "06-25", "07-30", "08-27", "09-24", "10-29", "11-26", "12-31")},
		{"leap day", rules("cron(0 12 29 2 ? *)", ""), "", on(12, "02-29")},
		{"rate of 30 days", rules("rate(30 days)", ""), "",
			on(0, "01-30", "02-29", "03-30", "04-29", "05-29", "06-28", "07-28", "08-27", "09-26", "10-26", "11-25", "12-25")},
		{"every 100 days, one value by hand", after(100), "06-01", on(0, "04-09", "09-09", "12-18")},
	} {
		w := newRotationWorld(t, begin)
		p := w.start(nil)
		arn := p.make("app")
		p.rotate(arn, c.adjust, later)
		p.drain()
		put := time.Time{}
		if c.put != "" {
			put = on(15, c.put)[0]
		}
		for at := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == 2028; at = at.Add(time.Hour) {
			w.clk.Set(at)
			if at.Equal(put) {
				w.db.set("app", "by hand")
				_, err := p.client().PutSecretValue(t.Context(), &secretsmanagerapi.PutSecretValueRequest{
					SecretId: &arn, ClientRequestToken: new(eventlog.NewID()), SecretString: new(document("app", "by hand")),
				})
				p.must(err)
			}
			if slices.ContainsFunc(c.want, func(t time.Time) bool { return at.Sub(t).Abs() <= time.Hour }) {
				p = w.start(nil)
			}
			p.drain()
		}
		if got := w.tape.times(arn, "RotationSucceeded"); !slices.EqualFunc(got, c.want, time.Time.Equal) {
			t.Errorf("%s: rotated at %v, want %v", c.name, got, c.want)
		}
		p.agree("app", arn)
	}
}

// What passed while no server was running is not made up for outside of a window.
func TestAMissedWindow(t *testing.T) {
	w := newRotationWorld(t, rotationStart) // 1 March 2026, 12:30
	p := w.start(nil)
	arn, daily := p.make("app"), p.make("daily")
	p.rotate(arn, rules("cron(0 14 ? * SUN *)", "2h"), later)
	p.rotate(daily, after(7), later)
	p.drain()
	w.clk.Set(time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)) // after the 8th
	p = w.start(nil)
	p.drain()
	if got := w.tape.times(arn, "RotationSucceeded"); len(got) != 0 {
		t.Errorf("rotated at %v", got)
	}
	// Two days late, but the day is one of the windows that follow a rotation that is due.
	if got := w.tape.times(daily, "RotationSucceeded"); len(got) != 1 || !got[0].Equal(w.clk.Now()) {
		t.Errorf("rotated at %v", got)
	}
	w.clk.Set(time.Date(2026, 3, 15, 15, 0, 0, 0, time.UTC)) // in the next window
	p.drain()
	if got := w.tape.times(arn, "RotationSucceeded"); len(got) != 1 {
		t.Errorf("rotated at %v", got)
	}
}
