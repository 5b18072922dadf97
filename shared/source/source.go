// Package source looks inquiries up in public data sources. It defines what a
// source is, what it returns, and the [Runner] that queries all sources at once.
//
// It knows no particular source: each one has its own package below this one.
// It does not judge the answers either; package report does.
package source

import (
	"context"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Source is one place to look things up: a web service, or a list held in
// memory. Implementations are safe for concurrent use.
type Source interface {
	// Describe returns the source's name and terms. They never change, and it does
	// no I/O.
	Describe() Descriptor

	// Applicable reports whether the inquiry contains anything that this source can
	// look up. If not, reason says why in fixed words. It does no I/O. A source that
	// is not applicable has no influence on the inquiry's status.
	Applicable(in inquiry.Inquiry) (ok bool, reason string)

	// Lookup queries the source. It returns soon after ctx ends. "Nothing found" is
	// a Result, never an error. All its errors are of type *[Error].
	Lookup(ctx context.Context, q Query) (Result, error)
}

// Descriptor identifies a source and states the terms of using it.
type Descriptor struct {
	Type        string        // the source's name in reports and counters, such as "ofac"
	Version     string        // changes whenever the same raw answer would be interpreted differently
	Criticality Criticality   // what happens to an inquiry if the source does not answer
	Timeout     time.Duration // for one whole Lookup, retries included; zero means only the caller's deadline
	InMemory    bool          // it only computes, so only the inquiry and our own machine can make it slow
	Licence     string        // the terms of use of its data, shown in reports
}

// Criticality decides what happens to an inquiry whose source did not answer.
type Criticality string

const (
	Required  Criticality = "REQUIRED"  // without its answer the inquiry fails
	Important Criticality = "IMPORTANT" // without its answer the report is partial
	Optional  Criticality = "OPTIONAL"  // also partial; without credentials the source is disabled rather than missing
)

// Query is one inquiry to look up. The id is for keys and logs. The content is
// personal data.
type Query struct {
	ID      inquiry.ID
	Inquiry inquiry.Inquiry
}
