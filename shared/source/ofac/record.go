package ofac

import (
	"fmt"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// noMatch returns the record of a subject without candidates.
func (s *Source) noMatch(sub subject) source.Record {
	return source.Record{
		Outcome: inquiry.OutcomeNoRecord,
		Subject: sub.Subject,
		Facts:   s.listFacts(),
		Properties: s.withListProperties(map[string]string{
			"statement": "no match found on list dated " + s.date(),
		}),
	}
}

// matched returns the record of one candidate.
func (s *Source) matched(sub subject, c candidate) source.Record {
	e := &s.list.entities[c.entity]
	outcome, label, verdict := inquiry.OutcomeAmbiguous, "potential_match", source.FactSanctionsPotentialMatch
	if c.strong() {
		outcome, label, verdict = inquiry.OutcomeFound, "strong_match", source.FactSanctionsStrongMatch
	}
	return source.Record{
		Outcome: outcome,
		Subject: sub.Subject,
		Match: &source.Match{
			Score: c.score, Method: c.method(), MatchedName: c.name,
			Agree: c.agree, Disagree: c.disagree, Label: label,
		},
		Facts:      append(s.listFacts(), entityFacts(e, verdict)...),
		Properties: s.withListProperties(s.list.entityProperties(e)),
	}
}

func (s *Source) listFacts() []source.Fact {
	return []source.Fact{
		{Name: source.FactSanctionsList, Value: "OFAC SDN"},
		{Name: source.FactSanctionsListDate, Value: s.date()},
	}
}

// entityFacts returns what the list states about the entity, with the verdict.
func entityFacts(e *entity, verdict string) []source.Fact {
	facts := []source.Fact{{Name: source.FactSanctionsEntityID, Value: fmt.Sprint(e.number)}}
	for _, p := range programs(e.programs) {
		facts = append(facts, source.Fact{Name: source.FactSanctionsProgram, Value: p})
	}
	return append(facts, source.Fact{Name: verdict, Value: true})
}

// entityProperties returns what the list says about the entity, for a person who
// reviews the match. Everything but the first four is left out if it is empty.
func (l *List) entityProperties(e *entity) map[string]string {
	properties := map[string]string{
		"entityId":   fmt.Sprint(e.number),
		"entityType": string(e.kind),
		"listedName": e.name,
		"programs":   strings.Join(programs(e.programs), ", "),
	}
	id := readRemarks(e.remarks)
	for name, value := range map[string]string{
		"title":         e.title,
		"addresses":     l.addressText(e),
		"linkedTo":      strings.Join(id.links, "; "),
		"registrations": strings.Join(id.registrations, "; "),
	} {
		if value != "" {
			properties[name] = value
		}
	}
	return properties
}

// withListProperties adds to p which edition of the list was used.
func (s *Source) withListProperties(p map[string]string) map[string]string {
	p["listDate"] = s.date()
	p["listDateIs"] = s.list.edition.DateIs
	p["listOrigin"] = s.list.edition.Origin
	return p
}

func (s *Source) date() string { return s.list.edition.Date.Format(time.DateOnly) }

// notes returns the result in a sentence, and the limits of every screening.
func (s *Source) notes(outcome inquiry.SourceOutcome) []string {
	result := "OFAC SDN: no match found on list dated " + s.date()
	switch outcome {
	case inquiry.OutcomeFound:
		result = "OFAC SDN: strong match on list dated " + s.date() + "; a person has to confirm it"
	case inquiry.OutcomeAmbiguous:
		result = "OFAC SDN: potential match on list dated " + s.date() + "; a person has to judge it"
	}
	return []string{
		fmt.Sprintf("%s (%s; origin: %s).", result, s.list.edition.DateIs, s.list.edition.Origin),
		"The OFAC 50 Percent Rule is not checked: an entity owned 50 percent or more by blocked persons " +
			"is blocked even if it is not listed.",
	}
}

// programs splits "SDGT] [IFSR", which is how the list writes several programs.
func programs(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "] [")
}

// addressText returns the entity's first three addresses in one line.
func (l *List) addressText(e *entity) string {
	const most = 3
	var lines []string
	for at := e.address; at != none && len(lines) < most; at = l.addresses[at].next {
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
