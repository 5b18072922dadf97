package source

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Answer is one source's answer to one inquiry, or the reason why there is none.
type Answer struct {
	Type        string
	Version     string
	Criticality Criticality
	Licence     string

	Outcome     inquiry.SourceOutcome
	Kind        ErrorKind // why there is no answer; empty if there is one
	Reason      string    // the same in fixed words, with details
	Records     []Record
	AsOf        time.Time // the date of the list or data set; zero if unknown
	RetrievedAt time.Time // when the answer came, or when the runner gave up
	Elapsed     time.Duration
	Evidence    []Evidence
	Notes       []string
}

// Runner queries a fixed set of sources. It is safe for concurrent use.
type Runner struct {
	sources []Source
}

// NewRunner returns a runner for these sources. It panics if two have the same
// type, because that is a mistake in the wiring.
func NewRunner(sources ...Source) *Runner {
	r := &Runner{sources: slices.Clone(sources)}
	seen := map[string]bool{}
	for _, s := range r.sources {
		kind := s.Describe().Type
		if seen[kind] {
			panic("source: two sources of type " + kind)
		}
		seen[kind] = true
	}
	return r
}

// Run queries every applicable source at once. It returns when all have answered
// or ctx has ended, whichever is first. It returns one answer per source, in the
// order given to NewRunner. It never fails: an error in a source becomes that
// source's outcome.
func (r *Runner) Run(ctx context.Context, id inquiry.ID, in inquiry.Inquiry) []Answer {
	pending := make([]<-chan Answer, len(r.sources))
	for i, s := range r.sources {
		pending[i] = start(ctx, s, Query{ID: id, Inquiry: in})
	}
	answers := make([]Answer, len(r.sources))
	for i := range pending {
		answers[i] = <-pending[i]
	}
	return answers
}

// start begins a lookup. The channel receives an answer within the source's
// timeout even if the source ignores it. A result that comes later is dropped.
func start(ctx context.Context, s Source, q Query) <-chan Answer {
	d := s.Describe()
	started := time.Now()
	complete := func(a Answer) Answer {
		a.Type, a.Version, a.Criticality, a.Licence = d.Type, d.Version, d.Criticality, d.Licence
		a.RetrievedAt = time.Now().UTC().Truncate(time.Millisecond)
		a.Elapsed = time.Since(started)
		return a
	}

	cancel := context.CancelFunc(func() {})
	if d.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, d.Timeout)
	}
	result := make(chan Answer, 1) // buffered, so that a late result does not block its goroutine forever
	go func() { result <- lookUp(ctx, s, q) }()

	out := make(chan Answer, 1)
	go func() {
		defer cancel()
		select {
		case a := <-result:
			out <- complete(a)
		case <-ctx.Done():
			out <- complete(failed(ended(ctx, d)))
		}
	}()
	return out
}

// lookUp does one lookup. Errors, panics and invalid results become answers.
func lookUp(ctx context.Context, s Source, q Query) (a Answer) {
	defer func() {
		if recover() != nil {
			// The panic's value may quote the inquiry. Its location cannot.
			a = failed(&Error{Kind: BadResponse, Detail: "panicked at " + panicSite()})
		}
	}()

	if ok, reason := s.Applicable(q.Inquiry); !ok {
		return Answer{Outcome: inquiry.OutcomeNotApplicable, Reason: reason}
	}
	res, err := s.Lookup(ctx, q)
	if err != nil {
		return failed(asError(ctx, s.Describe(), err))
	}
	if !res.Outcome.Answered() {
		return failed(&Error{Kind: BadResponse, Detail: fmt.Sprintf("returned %q as a result", res.Outcome)})
	}
	return Answer{
		Outcome: res.Outcome, Records: res.Records, AsOf: res.AsOf, Evidence: res.Evidence, Notes: res.Notes,
	}
}

// asError converts an error of Lookup. A source should return only *Error. The
// text of any other error is dropped, because it may contain the query.
func asError(ctx context.Context, d Descriptor, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if ctx.Err() != nil {
		return ended(ctx, d)
	}
	return &Error{Kind: Unavailable, Detail: "unexpected error", Err: err}
}

func failed(e *Error) Answer {
	return Answer{Outcome: e.Kind.Outcome(), Kind: e.Kind, Reason: e.reason()}
}

// ended returns the error of a source whose context has ended.
func ended(ctx context.Context, d Descriptor) *Error {
	kind := Unavailable
	if d.InMemory {
		kind = TooSlow
	}
	return &Error{Kind: kind, Detail: endReason(ctx), Err: ctx.Err()}
}

// endReason says in fixed words why ctx has ended.
func endReason(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "did not answer in time"
	}
	return "canceled"
}

// panicSite returns the file and line of the function that panicked. It works
// only inside a deferred function that is recovering.
func panicSite() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicking := false
	for {
		f, more := frames.Next()
		if inRuntime := strings.HasPrefix(f.Function, "runtime."); panicking && !inRuntime {
			return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
		} else if inRuntime {
			panicking = true
		}
		if !more {
			return "an unknown place"
		}
	}
}
