// Package boot is what every function does before its first event: it makes the
// logger and reads the environment. It knows no domain.
package boot

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// Logger returns the structured logger of the named function. It writes one
// JSON line an outcome to standard output, which Lambda keeps.
func Logger(function string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("function", function)
}

// Env reads environment variables and remembers every one that is missing, so
// that a start fails once and names them all.
type Env struct {
	Lookup  func(string) string // os.Getenv, but in tests
	missing []string
}

// Required returns the variable's value; Err reports it if it is empty.
func (e *Env) Required(name string) string {
	value := e.Lookup(name)
	if value == "" {
		e.missing = append(e.missing, name)
	}
	return value
}

// Err names every required variable that was missing, or is nil.
func (e *Env) Err() error {
	if len(e.missing) == 0 {
		return nil
	}
	return fmt.Errorf("environment variables not set: %s", strings.Join(e.missing, ", "))
}
