package simulation

import (
	"context"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// The kinds of businesses, by what the sources do when they are asked. The first word
// of a business's name is its kind.
const (
	found  = "found"  // every source has it
	none   = "none"   // no source has it
	part   = "part"   // a source that is not required returns nonsense
	bad    = "bad"    // a required source returns nonsense
	outage = "outage" // a required source is down while faults last
	flaky  = "flaky"  // a required source is down half of the time while faults last
	poison = "poison" // asking always panics
	reject = "reject" // the inquiry was rejected when its batch was accepted
	heavy  = "heavy"  // a required source always computes too long
	slow   = "slow"   // the sources take longer than an invocation while faults last
)

var kinds = []string{found, found, found, none, none, part, bad, outage, flaky, poison, heavy, slow, reject}

func kindOf(in inquiry.Inquiry) string {
	kind, _, _ := strings.Cut(in.BusinessName, " ")
	return kind
}

// lookUp is the operation of the call that asks the sources.
const lookUp = "LookUp"

// sources replaces the runner and its sources. It answers when the scheduler decides,
// not when a timer fires.
type sources struct{ in *Invocation }

func (s sources) Run(_ context.Context, id inquiry.ID, in inquiry.Inquiry) []source.Answer {
	w, kind := s.in.w, kindOf(in)
	delay := w.lookTime
	if kind == slow && w.faultsLast() {
		delay = deployment.ProcessInquiryTimeout + time.Second
	}
	switch s.in.park(lookUp, id.String(), "", delay) {
	case Proceed:
	default: // the invocation is over, so nothing that it does has an effect
		return nil
	}
	required, optional, why := inquiry.OutcomeFound, inquiry.OutcomeFound, source.ErrorKind("")
	switch kind {
	case none:
		required, optional = inquiry.OutcomeNoRecord, inquiry.OutcomeNoRecord
	case part:
		optional = inquiry.OutcomeBadResponse
	case bad:
		required = inquiry.OutcomeBadResponse
	case outage:
		if w.faultsLast() {
			required = inquiry.OutcomeUnavailable
		}
	case heavy:
		required, why = inquiry.OutcomeUnavailable, source.TooSlow
	case flaky:
		if w.chance(0.5) {
			required = inquiry.OutcomeUnavailable
		}
	case poison:
		panic("simulated: poison")
	}
	answers := []source.Answer{
		{Type: "list", Criticality: source.Required, Outcome: required, Kind: why, RetrievedAt: w.now, Elapsed: w.answerTime()},
		{Type: "registry", Criticality: source.Optional, Outcome: optional, RetrievedAt: w.now, Elapsed: w.answerTime()},
	}
	if required == inquiry.OutcomeFound {
		for n := range 1 + id.Index()%3 {
			answers[0].Records = append(answers[0].Records, source.Record{Outcome: inquiry.OutcomeFound, Subject: source.Principal(n)})
		}
	}
	s.in.heard(id, answers)
	return answers
}

// answerTime chooses how long a source takes to answer.
func (w *World) answerTime() time.Duration {
	return time.Duration(1+w.rng.IntN(900_000)) * time.Microsecond
}

// heard notes what the sources answered to the invocation, for the checker.
func (i *Invocation) heard(id inquiry.ID, answers []source.Answer) {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	if i.answers == nil {
		i.answers = map[inquiry.ID]map[string]sourceFigures{}
	}
	i.answers[id] = map[string]sourceFigures{}
	for _, a := range answers {
		i.answers[id][a.Type] = sourceFigures{string(a.Outcome), int64(len(a.Records)), a.Elapsed.Microseconds()}
	}
}
