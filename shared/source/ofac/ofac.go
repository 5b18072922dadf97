// Package ofac screens an inquiry against the list of Specially Designated
// Nationals (SDN) of the US Treasury's Office of Foreign Assets Control.
//
// It knows the list's official CSV files and how a name is judged against them.
// It fetches nothing: the files come with the function, or from whoever
// refreshes them.
package ofac

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// MaxPrincipals is how many principals one inquiry may have here. More are
// refused: a principal who was silently left out would count as clear.
const MaxPrincipals = 20

// maxCandidates is how many candidates a report shows for one subject.
const maxCandidates = 10

// Source screens against one list.
type Source struct{ list *List }

// New returns the source that screens against list.
func New(list *List) *Source { return &Source{list: list} }

// Describe says what the source is.
func (s *Source) Describe() source.Descriptor {
	return source.Descriptor{
		Type:        "ofac",
		Version:     "1",
		Criticality: source.Required,
		Timeout:     2 * time.Second,
		Licence:     "SDN list: work of the US government, public domain",
	}
}

// Applicable: whoever has a name can be screened.
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

// Lookup screens the business and each of its principals. There is a record for
// every candidate, and one for every subject without candidates.
func (s *Source) Lookup(ctx context.Context, q source.Query) (source.Result, error) {
	if n := len(q.Inquiry.Principals); n > MaxPrincipals {
		return source.Result{}, &source.Error{
			Kind:   source.InvalidRequest,
			Detail: fmt.Sprintf("%d principals, at most %d can be screened", n, MaxPrincipals),
		}
	}
	edition := s.list.edition
	res := source.Result{Outcome: inquiry.OutcomeNoRecord, AsOf: edition.Date, Evidence: edition.Evidence}
	for _, sub := range subjects(q.Inquiry) {
		if err := ctx.Err(); err != nil {
			return source.Result{}, &source.Error{Kind: source.Unavailable, Detail: "screening was cut short", Err: err}
		}
		candidates := s.list.screen(sub)
		if len(candidates) == 0 {
			res.Records = append(res.Records, s.clear(sub))
		}
		for i, c := range candidates[:min(len(candidates), maxCandidates)] {
			r := s.record(sub, c)
			if i == maxCandidates-1 && len(candidates) > maxCandidates {
				r.Properties["candidatesLeftOut"] = fmt.Sprint(len(candidates) - maxCandidates)
			}
			res.Records = append(res.Records, r)
			res.Outcome = worse(res.Outcome, r.Outcome)
		}
	}
	res.Notes = s.notes(res.Outcome)
	return res, nil
}

// worse returns the outcome that asks for more attention.
func worse(a, b inquiry.SourceOutcome) inquiry.SourceOutcome {
	if a == inquiry.OutcomeFound || b == inquiry.OutcomeFound {
		return inquiry.OutcomeFound
	}
	if a == inquiry.OutcomeAmbiguous || b == inquiry.OutcomeAmbiguous {
		return inquiry.OutcomeAmbiguous
	}
	return inquiry.OutcomeNoRecord
}

// clear is the record of a subject for which there is no candidate.
func (s *Source) clear(sub subject) source.Record {
	return source.Record{
		Outcome: inquiry.OutcomeNoRecord,
		Subject: sub.Subject,
		Facts:   s.listFacts(),
		Properties: s.listProperties(map[string]string{
			"statement": "no match found on list dated " + s.date(),
		}),
	}
}

// record is the record of one candidate.
func (s *Source) record(sub subject, c candidate) source.Record {
	e := &s.list.entities[c.entity]
	r := source.Record{
		Outcome: inquiry.OutcomeAmbiguous,
		Subject: sub.Subject,
		Match: &source.Match{
			Score: c.score, Method: c.method(), MatchedName: c.name,
			Agree: c.agree, Disagree: c.disagree, Label: "potential_match",
		},
		Facts: append(s.listFacts(), source.Fact{Name: "sanctions.entity_id", Value: fmt.Sprint(e.number)}),
		Properties: s.listProperties(map[string]string{
			"entityId":   fmt.Sprint(e.number),
			"entityType": string(e.kind),
			"listedName": e.name,
			"programs":   strings.Join(programs(e.programs), ", "),
		}),
	}
	verdict := "sanctions.potential_match"
	if c.strong() {
		r.Outcome, r.Match.Label, verdict = inquiry.OutcomeFound, "strong_match", "sanctions.strong_match"
	}
	for _, p := range programs(e.programs) {
		r.Facts = append(r.Facts, source.Fact{Name: "sanctions.program", Value: p})
	}
	r.Facts = append(r.Facts, source.Fact{Name: verdict, Value: true})

	id := readRemarks(e.remarks)
	for name, value := range map[string]string{
		"title":         e.title,
		"addresses":     s.list.addressText(e),
		"linkedTo":      strings.Join(id.links, "; "),
		"registrations": strings.Join(id.numbers, "; "),
	} {
		if value != "" {
			r.Properties[name] = value
		}
	}
	return r
}

func (s *Source) listFacts() []source.Fact {
	return []source.Fact{
		{Name: "sanctions.list", Value: "OFAC SDN"},
		{Name: "sanctions.list_date", Value: s.date()},
	}
}

func (s *Source) listProperties(p map[string]string) map[string]string {
	p["listDate"] = s.date()
	p["listDateIs"] = s.list.edition.DateIs
	p["listOrigin"] = s.list.edition.Origin
	return p
}

func (s *Source) date() string { return s.list.edition.Date.Format(time.DateOnly) }

// notes are what a reader has to know, whoever was screened.
func (s *Source) notes(outcome inquiry.SourceOutcome) []string {
	found := "OFAC SDN: no match found on list dated " + s.date()
	switch outcome {
	case inquiry.OutcomeFound:
		found = "OFAC SDN: strong match on list dated " + s.date() + "; a person has to confirm it"
	case inquiry.OutcomeAmbiguous:
		found = "OFAC SDN: potential match on list dated " + s.date() + "; a person has to judge it"
	}
	return []string{
		fmt.Sprintf("%s (%s; origin: %s).", found, s.list.edition.DateIs, s.list.edition.Origin),
		"The OFAC 50 Percent Rule is not checked: an entity that blocked persons own by 50 percent or more " +
			"is blocked although it is not listed.",
	}
}

// programs splits "SDGT] [IFSR", which is how the list writes several.
func programs(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "] [")
}

// addressText is the entity's first few addresses in one line.
func (l *List) addressText(e *entity) string {
	var lines []string
	for at := e.address; at != none && len(lines) < 3; at = l.addresses[at].next {
		a := l.addresses[at]
		var parts []string
		for _, part := range []string{a.line, a.city, a.country} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		lines = append(lines, strings.Join(parts, ", "))
	}
	return strings.Join(lines, "; ")
}
