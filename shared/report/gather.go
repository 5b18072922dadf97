package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// Bounds of what one report holds. They are far beyond what a small business and
// its owners bring up, and make sure that nothing a source answers, and nobody
// who makes it answer, can keep a report from being stored.
const (
	maxPerSubject = 10      // records of one source about one subject
	maxFacts      = 20      // of one record
	maxProperties = 20      // of one record
	maxReasons    = 10      // that agree, or disagree, in one match
	maxEvidence   = 20      // pieces of one source
	maxText       = 200     // bytes of one text
	maxNote       = 500     // bytes of one note
	maxBare       = 190_000 // bytes of all records as JSON, without facts and properties, before compression
	maxDetails    = 60_000  // and at least so much for those; more if the records are short
)

// leftOut counts what did not fit.
type leftOut struct{ records, details int }

func (l leftOut) notes() []string {
	var notes []string
	if l.records > 0 {
		notes = append(notes, fmt.Sprintf("%d further source records are left out for their number.", l.records))
	}
	if l.details > 0 {
		notes = append(notes, fmt.Sprintf("The facts and properties of %d source records are left out for their size.", l.details))
	}
	return notes
}

// gather makes the report's records of the answers. If they come to more than
// a report may hold, first details go and then records, of those that matter
// least.
func gather(id inquiry.ID, answers []source.Answer) ([]SourceRecord, leftOut) {
	var left leftOut
	all := []SourceRecord{}
	for _, a := range answers {
		about := map[source.Subject]int{}
		for _, rec := range a.Records {
			n := about[rec.Subject]
			if about[rec.Subject]++; n >= maxPerSubject {
				left.records++
				continue
			}
			all = append(all, SourceRecord{
				ID: recordID(id, a, rec.Subject, n), Type: a.Type, Record: bound(rec),
				Source: Origin{Version: a.Version, AsOf: a.AsOf, RetrievedAt: a.RetrievedAt},
			})
		}
	}

	// What is found is kept before what is doubtful, and that before the rest.
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return weight(all[i]) - weight(all[j]) })

	// Every record's place is reserved without its details before any details
	// are: a match without its address is worth more than an address.
	room := maxBare
	keep := make([]bool, len(all))
	for _, i := range order {
		if bare := size(withoutDetails(all[i])); bare <= room {
			keep[i] = true
			room -= bare
			continue
		}
		left.records++
	}
	room += maxDetails
	for _, i := range order {
		if !keep[i] {
			continue
		}
		if details := size(all[i]) - size(withoutDetails(all[i])) + sizeOfFacts(all[i]); details <= room {
			room -= details
			continue
		}
		all[i] = withoutDetails(all[i])
		left.details++
	}

	kept := all[:0]
	for i, r := range all {
		if keep[i] {
			kept = append(kept, r)
		}
	}
	return kept, left
}

// weight orders records by how much they matter: less is more.
func weight(r SourceRecord) int {
	switch r.Outcome {
	case inquiry.OutcomeFound:
		return 0
	case inquiry.OutcomeAmbiguous:
		return 1
	default:
		return 2
	}
}

func withoutDetails(r SourceRecord) SourceRecord {
	r.Facts, r.Properties = nil, nil
	return r
}

// size is the record's size in JSON, with the comma behind it.
func size(r SourceRecord) int {
	text, err := json.Marshal(r)
	if err != nil { // nothing in a bounded record can fail to encode
		panic(fmt.Sprintf("report: %v", err))
	}
	return len(text) + 1
}

// sizeOfFacts is the most that the record's facts take once more in the report's
// own list, each with the record's id.
func sizeOfFacts(r SourceRecord) int {
	total := 0
	for _, f := range r.Facts {
		text, err := json.Marshal(Fact{Fact: f, SourceRecords: []string{r.ID}})
		if err != nil {
			panic(fmt.Sprintf("report: %v", err))
		}
		total += len(text) + 1
	}
	return total
}

// bound cuts a record to what a report holds of one, and gives facts the types
// that survive JSON.
func bound(rec source.Record) source.Record {
	rec.Subject.Ref = clip(rec.Subject.Ref, maxText)
	if rec.Match != nil {
		m := *rec.Match
		m.MatchedName, m.Method, m.Label = clip(m.MatchedName, maxText), clip(m.Method, maxText), clip(m.Label, maxText)
		if math.IsNaN(m.Score) || math.IsInf(m.Score, 0) {
			m.Score = 0 // JSON has no such number
		}
		m.Agree, m.Disagree = clipAll(m.Agree), clipAll(m.Disagree)
		rec.Match = &m
	}
	facts := rec.Facts[:min(len(rec.Facts), maxFacts)]
	rec.Facts = nil
	for _, f := range facts {
		value := f.Value
		switch v := value.(type) {
		case bool:
		case string:
			value = clip(v, maxText)
		default:
			value = clip(fmt.Sprint(v), maxText)
		}
		rec.Facts = append(rec.Facts, source.Fact{Name: clip(f.Name, maxText), Value: value, Raw: clip(f.Raw, maxText)})
	}
	if rec.Properties != nil {
		properties := map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(rec.Properties)) {
			if len(properties) < maxProperties {
				properties[clip(name, maxText)] = clip(rec.Properties[name], maxText)
			}
		}
		rec.Properties = properties
	}
	return rec
}

func boundEvidence(all []source.Evidence) []source.Evidence {
	var bounded []source.Evidence
	for _, e := range all[:min(len(all), maxEvidence)] {
		e.Name, e.SHA256 = clip(e.Name, maxText), clip(e.SHA256, maxText)
		bounded = append(bounded, e)
	}
	return bounded
}

func clipAll(texts []string) []string {
	var short []string
	for _, s := range texts[:min(len(texts), maxReasons)] {
		short = append(short, clip(s, maxText))
	}
	return short
}

// clip cuts s to at most n bytes, not inside a character. It makes it valid
// UTF-8, so that it reads the same after JSON, and control characters blanks.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r // utf8.RuneError for a byte that belongs to no character
	}, s)
	if len(s) <= n {
		return s
	}
	const mark = "…"
	end := n - len(mark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}
