package simulation

import (
	"context"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// The kinds of businesses there are, by what the sources do when asked. A
// business has its kind in its name.
const (
	found  = "found"  // every source has it
	none   = "none"   // no source has it
	part   = "part"   // a source that is not required answers nonsense
	bad    = "bad"    // a required source answers nonsense
	outage = "outage" // a required source is away while faults last
	flaky  = "flaky"  // a required source is away every other time, while faults last
	poison = "poison" // asking panics, always
	reject = "reject" // the submission was accepted without it
	slow   = "slow"   // the sources take longer than an invocation, while faults last
)

var kinds = []string{found, found, found, none, none, part, bad, outage, flaky, poison, slow, reject}

func kindOf(in inquiry.Inquiry) string {
	kind, _, _ := strings.Cut(in.BusinessName, " ")
	return kind
}

// lookUp is the name of the call that asks the sources.
const lookUp = "LookUp"

// sources stand in for the runner and its sources: they answer when the scheduler
// lets them, and not when a timer fires.
type sources struct{ in *Invocation }

func (s sources) Run(_ context.Context, id inquiry.ID, in inquiry.Inquiry) []source.Answer {
	w, kind := s.in.w, kindOf(in)
	delay := w.lookTime
	if kind == slow && w.faulty() {
		delay = processLimit + time.Second
	}
	switch s.in.park(lookUp, id.String(), "", false, delay) {
	case Proceed:
	default: // the invocation is over; whatever it goes on to do has no effect
		return nil
	}
	w.lookedUp[id]++
	required, optional := inquiry.OutcomeFound, inquiry.OutcomeFound
	switch kind {
	case none:
		required, optional = inquiry.OutcomeNoRecord, inquiry.OutcomeNoRecord
	case part:
		optional = inquiry.OutcomeBadResponse
	case bad:
		required = inquiry.OutcomeBadResponse
	case outage:
		if w.faulty() {
			required = inquiry.OutcomeUnavailable
		}
	case flaky:
		if w.chance(0.5) {
			required = inquiry.OutcomeUnavailable
		}
	case poison:
		panic("simulated: poison")
	}
	return []source.Answer{
		{Type: "list", Criticality: source.Required, Outcome: required, RetrievedAt: w.now, Elapsed: time.Millisecond},
		{Type: "registry", Criticality: source.Optional, Outcome: optional, RetrievedAt: w.now, Elapsed: time.Millisecond},
	}
}
