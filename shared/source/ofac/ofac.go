// Package ofac screens an inquiry against the list of Specially Designated
// Nationals (SDN) of the US Treasury's Office of Foreign Assets Control. US
// persons may not do business with anyone on it.
//
// It knows the list's official CSV files and the rules by which a name on the
// list counts as a match. It downloads nothing: the files are deployed with the
// function, or supplied by whoever refreshes them.
package ofac

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/match"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// MaxPrincipals is the most principals that one inquiry may have here. An inquiry
// with more is rejected, because a principal who was skipped would look cleared.
const MaxPrincipals = 20

// maxCandidates is the most candidates that a report shows for one subject.
const maxCandidates = 10

// Source screens against one list.
type Source struct{ list *List }

// New returns a source that screens against list.
func New(list *List) *Source { return &Source{list: list} }

// Describe returns the source's name and terms.
func (s *Source) Describe() source.Descriptor {
	return source.Descriptor{
		Type:        "ofac",
		Version:     "2",
		Criticality: source.Required,
		Timeout:     2 * time.Second,
		InMemory:    true,
		Licence:     "SDN list: work of the US government, public domain",
	}
}

// Applicable reports whether anyone in the inquiry has a name to screen.
func (s *Source) Applicable(in inquiry.Inquiry) (bool, string) {
	for _, sub := range subjects(in) {
		for _, name := range sub.names {
			if len(name.Words) > 0 {
				return true, ""
			}
		}
	}
	return false, "no name to screen"
}

// Lookup screens the business and each of its principals. It returns one record
// for each candidate, and one for each subject without candidates.
func (s *Source) Lookup(ctx context.Context, q source.Query) (source.Result, error) {
	if n := len(q.Inquiry.Principals); n > MaxPrincipals {
		return source.Result{}, &source.Error{
			Kind:   source.InvalidRequest,
			Detail: fmt.Sprintf("%d principals, at most %d can be screened", n, MaxPrincipals),
		}
	}
	edition := s.list.edition
	res := source.Result{Outcome: inquiry.OutcomeNoRecord, AsOf: edition.Date, Evidence: edition.Evidence}
	all := subjects(q.Inquiry)
	for _, sub := range all {
		candidates, err := s.list.screen(ctx, sub)
		if err != nil {
			return source.Result{}, &source.Error{Kind: source.TooSlow, Detail: "screening was cut short", Err: err}
		}
		if len(candidates) == 0 {
			res.Records = append(res.Records, s.noMatch(sub))
		}
		for i, c := range candidates[:min(len(candidates), maxCandidates)] {
			r := s.matched(sub, c)
			if i == maxCandidates-1 && len(candidates) > maxCandidates {
				r.Properties["candidatesLeftOut"] = fmt.Sprint(len(candidates) - maxCandidates)
			}
			res.Records = append(res.Records, r)
			res.Outcome = moreSerious(res.Outcome, r.Outcome)
		}
	}
	res.Notes = s.notes(res.Outcome)
	if slices.ContainsFunc(all, subject.hasLongName) {
		res.Notes = append(res.Notes, fmt.Sprintf("A name has more than %d words. All of them were compared with the list word for word, "+
			"but only the first %d with other spellings.", match.MaxWords, match.MaxWords))
	}
	return res, nil
}

// moreSerious returns whichever outcome needs more attention.
func moreSerious(a, b inquiry.SourceOutcome) inquiry.SourceOutcome {
	if a == inquiry.OutcomeFound || b == inquiry.OutcomeFound {
		return inquiry.OutcomeFound
	}
	if a == inquiry.OutcomeAmbiguous || b == inquiry.OutcomeAmbiguous {
		return inquiry.OutcomeAmbiguous
	}
	return inquiry.OutcomeNoRecord
}
