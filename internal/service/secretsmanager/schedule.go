package secretsmanager

import (
	"errors"
	"fmt"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/cron"
	"fastness/internal/wire"
)

// A schedule opens rotation windows, in UTC, and a secret is rotated once in each, as soon
// as it opens:
//
//   - AutomaticallyAfterDays opens one that many days after the day of the last rotation.
//     Another AWSCURRENT by hand, by PutSecretValue, UpdateSecret or
//     UpdateSecretVersionStage, counts as a rotation. If the secret is not rotated then,
//     another one opens on each day that follows, until it is.
//   - rate() opens one every so many days or hours, counted from the midnight that began
//     the day on which the rule was set.
//   - cron() opens one on its dates.
//
// Duration is how long a window is open; without it, it is open for an hour if the schedule
// is one in hours, and to the end of the day otherwise. Nothing rotates outside of a window:
// one that passed while no server was running is lost. A server that starts while one is
// open uses what is left of it.
//
// Sources: AWS Secrets Manager user guide, "Rotation schedules"; API reference,
// RotationRulesType ("manually updating the secret value [...] is considered a valid
// rotation").

// Limits of rules (user guide, "Rotation schedules").
const (
	minRotationInterval = 4 * time.Hour
	maxRotationRate     = 999 * 24 * time.Hour
)

// checkRules refuses rules that make no windows.
func checkRules(r *secretsmanagerapi.RotationRulesType) error {
	after, schedule := r.AutomaticallyAfterDays, wire.Value(r.ScheduleExpression)
	if after != nil && schedule != "" {
		return invalidParameter("You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.")
	}
	if after != nil && (*after < 1 || *after > 1000) {
		return invalidParameter("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
	}
	config := rotationConfig{AfterDays: wire.Value(after), Schedule: schedule, Duration: wire.Value(r.Duration)}
	if !config.scheduled() {
		if config.Duration != "" {
			return invalidParameter("You can't specify Duration without AutomaticallyAfterDays or ScheduleExpression in RotationRules.")
		}
		return nil
	}
	_, err := config.window()
	var bad *cron.WindowError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad) && bad.Length:
		return invalidParameter("The Duration in RotationRules is invalid: " + bad.Reason + ".")
	case errors.As(err, &bad):
		return invalidParameter("The ScheduleExpression in RotationRules is invalid: " + bad.Reason + ".")
	}
	return invalidParameter("The ScheduleExpression in RotationRules is invalid: " + err.Error() + ".")
}

// scheduled tells whether there is a rule that opens windows.
func (r *rotationConfig) scheduled() bool { return r.AfterDays > 0 || r.Schedule != "" }

// window makes the windows of the rules, AutomaticallyAfterDays without regard to the last
// rotation.
func (r *rotationConfig) window() (w cron.Window, err error) {
	if r.AfterDays > 0 {
		return r.every(int(r.AfterDays))
	}
	schedule, err := cron.Parse(r.Schedule)
	if err != nil {
		return w, err
	}
	if w, err = r.windowOf(schedule, cron.Limits{MinInterval: minRotationInterval, MaxInterval: maxRotationRate, EveryYear: true}); err != nil {
		return w, err
	}
	return w.From(r.Set), nil
}

// every makes a window every so many days.
func (r *rotationConfig) every(days int) (w cron.Window, err error) {
	schedule, err := cron.Every(days, cron.Day)
	if err != nil {
		return w, err
	}
	return r.windowOf(schedule, cron.Limits{})
}

func (r *rotationConfig) windowOf(s cron.Schedule, l cron.Limits) (w cron.Window, err error) {
	var length time.Duration
	if r.Duration != "" {
		if length, err = cron.ParseLength(r.Duration); err != nil {
			return w, err
		}
	}
	return cron.NewWindow(s, length, l)
}

// windows are those of a secret at a time: for AutomaticallyAfterDays the one that is
// expected, or, if that has opened already, one on each day.
func (s *secretRecord) windows(now time.Time) (w cron.Window, err error) {
	r := s.Rotation
	if r.AfterDays == 0 {
		return r.window()
	}
	last := s.LastRotated
	if s.Replaced.After(last) {
		last = s.Replaced
	}
	if last.IsZero() {
		last = r.Set
	}
	if w, err = r.window(); err != nil {
		return w, err
	}
	w = w.From(last)
	if expected, _, ok := w.Next(last); ok && !expected.After(now) {
		return r.every(1)
	}
	return w, nil
}

// nextWindow is the first window of a secret that opens after now; ok is false if rotation
// is off, or none comes.
func (s *secretRecord) nextWindow(now time.Time) (start, end time.Time, ok bool, err error) {
	if s.Rotation == nil || !s.Rotation.Enabled || !s.Rotation.scheduled() {
		return start, end, false, nil
	}
	w, err := s.windows(now)
	if err != nil {
		return start, end, false, fmt.Errorf("secretsmanager: rotation rules of %s: %w", s.Name, err)
	}
	start, end, ok = w.Next(now)
	return start, end, ok, nil
}

// openWindow is the end of the window of a secret that is open now; ok is false if none
// is.
func (s *secretRecord) openWindow(now time.Time) (end time.Time, ok bool, err error) {
	if s.Rotation == nil || !s.Rotation.Enabled || !s.Rotation.scheduled() {
		return end, false, nil
	}
	w, err := s.windows(now)
	if err != nil {
		return end, false, fmt.Errorf("secretsmanager: rotation rules of %s: %w", s.Name, err)
	}
	_, end, ok = w.At(now)
	return end, ok, nil
}

// measure sets Interval of a secret that has just been rotated.
func (s *secretRecord) measure(now time.Time) error {
	next, _, ok, err := s.nextWindow(now)
	if err != nil || s.Rotation == nil || s.Rotation.Schedule == "" {
		return err
	}
	s.Rotation.Interval = 0
	if ok {
		const day = 24 * time.Hour
		s.Rotation.Interval = int64(next.Truncate(day).Sub(now.Truncate(day)) / day)
	}
	return nil
}
