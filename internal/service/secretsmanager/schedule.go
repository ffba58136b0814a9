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
//     A new value that somebody stored as AWSCURRENT counts as a rotation.
//   - rate() opens one every so many days or hours, counted from the midnight that began
//     the day on which the rule was set.
//   - cron() opens one on its dates.
//
// Duration is how long a window is open; without it, it is open for an hour if the schedule
// is one in hours, and to the end of the day otherwise. A window that passed while no
// server was running is not made up for outside of it: the next one is.
//
// Source: AWS Secrets Manager user guide, "Rotation schedules".

// Limits of rules (user guide, "Rotation schedules").
const (
	minRotationInterval = 4 * time.Hour
	maxRotationRate     = 999 * 24 * time.Hour
)

// checkRules refuses rules that make no windows.
func checkRules(r *secretsmanagerapi.RotationRulesType) error {
	after, schedule := r.AutomaticallyAfterDays, wire.Value(r.ScheduleExpression)
	if after != nil && schedule != "" {
		return invalidParameter("You can't specify both AutomaticallyAfterDays and ScheduleExpression.")
	}
	if after != nil && (*after < 1 || *after > 1000) {
		return invalidParameter("AutomaticallyAfterDays must be between 1 and 1000.")
	}
	config := rotationConfig{AfterDays: wire.Value(after), Schedule: schedule, Duration: wire.Value(r.Duration)}
	if !config.scheduled() {
		if config.Duration != "" {
			return invalidParameter("You can't specify Duration without AutomaticallyAfterDays or ScheduleExpression.")
		}
		return nil
	}
	_, err := config.window(time.Time{})
	var bad *cron.WindowError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad) && bad.Length:
		return invalidParameter("The Duration is not valid: " + bad.Reason + ".")
	case errors.As(err, &bad):
		return invalidParameter("The ScheduleExpression is not valid: " + bad.Reason + ".")
	}
	return invalidParameter("The ScheduleExpression is not valid: " + err.Error() + ".")
}

// scheduled tells whether there is a rule that opens windows.
func (r *rotationConfig) scheduled() bool { return r.AfterDays > 0 || r.Schedule != "" }

// window makes the windows of the rules of a secret that was last rotated at that time
// (zero: never).
func (r *rotationConfig) window(lastRotated time.Time) (w cron.Window, err error) {
	limits := cron.Limits{MinInterval: minRotationInterval, MaxInterval: maxRotationRate, EveryYear: true}
	var schedule cron.Schedule
	from := r.Set
	if r.AfterDays > 0 {
		schedule, err = cron.Every(int(r.AfterDays), cron.Day)
		limits.MaxInterval = 0
		if !lastRotated.IsZero() {
			from = lastRotated
		}
	} else {
		schedule, err = cron.Parse(r.Schedule)
	}
	if err != nil {
		return w, err
	}
	var length time.Duration
	if r.Duration != "" {
		if length, err = cron.ParseLength(r.Duration); err != nil {
			return w, err
		}
	}
	if w, err = cron.NewWindow(schedule, length, limits); err != nil {
		return w, err
	}
	return w.From(from), nil
}

// nextWindow is the first window of a secret that opens after now; ok is false if rotation
// is off, or none comes.
func (s *secretRecord) nextWindow(now time.Time) (start, end time.Time, ok bool, err error) {
	if s.Rotation == nil || !s.Rotation.Enabled || !s.Rotation.scheduled() {
		return start, end, false, nil
	}
	w, err := s.Rotation.window(s.LastRotated)
	if err != nil {
		return start, end, false, fmt.Errorf("secretsmanager: rotation rules of %s: %w", s.Name, err)
	}
	start, end, ok = w.Next(now)
	return start, end, ok, nil
}
