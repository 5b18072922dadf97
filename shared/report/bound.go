package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// The limits of one report. They are far above what a small business and its
// owners need. They exist so that no source reply, however large or hostile, can
// make a report too big to store.
const (
	maxPerSubject = 10      // records of one source about one subject
	maxFacts      = 20      // of one record
	maxProperties = 20      // of one record
	maxReasons    = 10      // details that agree, or that disagree, in one match
	maxEvidence   = 20      // of one source
	maxText       = 200     // bytes of one text
	maxNote       = 500     // bytes of one note
	maxBare       = 190_000 // bytes of all records in JSON, without facts and properties, before compression
	maxDetails    = 60_000  // bytes of facts and properties, plus what the bare records left unused
)

// bound cuts a record to the limits, and converts the values of facts to types
// that JSON keeps.
func bound(rec source.Record) source.Record {
	rec.Subject.Ref = clip(rec.Subject.Ref, maxText)
	if rec.Match != nil {
		m := *rec.Match
		m.MatchedName, m.Method, m.Label = clip(m.MatchedName, maxText), clip(m.Method, maxText), clip(m.Label, maxText)
		if math.IsNaN(m.Score) || math.IsInf(m.Score, 0) {
			m.Score = 0 // JSON cannot represent these
		}
		m.Agree, m.Disagree = clipAll(m.Agree), clipAll(m.Disagree)
		rec.Match = &m
	}
	kept := rec.Facts[:min(len(rec.Facts), maxFacts)]
	rec.Facts = nil
	for _, f := range kept {
		rec.Facts = append(rec.Facts, boundFact(f))
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

func boundFact(f source.Fact) source.Fact {
	value := f.Value
	switch v := value.(type) {
	case bool:
	case string:
		value = clip(v, maxText)
	default:
		value = clip(fmt.Sprint(v), maxText)
	}
	return source.Fact{Name: clip(f.Name, maxText), Value: value, Raw: clip(f.Raw, maxText)}
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

// clip cuts s to at most n bytes, but never inside a character. It also replaces
// control characters with spaces and invalid UTF-8 with U+FFFD, so that JSON does
// not change the text.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r // utf8.RuneError for an invalid byte
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
