package boot

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Env reads environment variables. It remembers every variable that is missing or
// invalid, so that a failed start reports all of them in one message.
type Env struct {
	Lookup  func(name string) string // os.Getenv, except in tests
	missing []string
	invalid []string
}

// Required returns the variable's value. Err reports the variable if it is empty.
func (e *Env) Required(name string) string {
	value := e.Lookup(name)
	if value == "" && !slices.Contains(e.missing, name) {
		e.missing = append(e.missing, name)
	}
	return value
}

// Optional returns the variable's value, or "" if it is not set.
func (e *Env) Optional(name string) string { return e.Lookup(name) }

// Int returns the required variable's value as an integer.
func (e *Env) Int(name string) int { return parse(e, name, strconv.Atoi) }

// Duration returns the required variable's value as a duration, such as "6h".
func (e *Env) Duration(name string) time.Duration { return parse(e, name, time.ParseDuration) }

// Err returns one error that names every variable that was missing or invalid. It
// returns nil if there was none.
func (e *Env) Err() error {
	faults := slices.Clone(e.invalid)
	if len(e.missing) > 0 {
		faults = slices.Insert(faults, 0, "environment variables not set: "+strings.Join(e.missing, ", "))
	}
	if len(faults) == 0 {
		return nil
	}
	return errors.New(strings.Join(faults, "; "))
}

func parse[T any](e *Env, name string, read func(string) (T, error)) T {
	text := e.Required(name)
	if text == "" {
		var zero T
		return zero
	}
	value, err := read(text)
	if err != nil {
		e.invalid = append(e.invalid, fmt.Sprintf("environment variable %s: %v", name, err))
	}
	return value
}
