package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// leftOut counts what is not in the report because it did not fit.
type leftOut struct{ records, details int }

func (l leftOut) notes() []string {
	var notes []string
	if l.records > 0 {
		notes = append(notes, fmt.Sprintf("%d more source records do not fit into this report and were left out.", l.records))
	}
	if l.details > 0 {
		notes = append(notes, fmt.Sprintf("The facts and properties of %d source records do not fit into this report and were left out.", l.details))
	}
	return notes
}

// gather returns the report's records, and how much did not fit. The least
// important records lose their details first. If that is not enough, they are
// left out.
func gather(id inquiry.ID, answers []source.Answer) ([]SourceRecord, leftOut) {
	var left leftOut
	all := []SourceRecord{}
	for _, a := range answers {
		perSubject := map[source.Subject]int{}
		for _, rec := range a.Records {
			n := perSubject[rec.Subject]
			if perSubject[rec.Subject]++; n >= maxPerSubject {
				left.records++
				continue
			}
			all = append(all, SourceRecord{
				ID: recordID(id, a, rec.Subject, n), Type: a.Type, Record: bound(rec),
				Source: Origin{Version: a.Version, AsOf: a.AsOf, RetrievedAt: a.RetrievedAt},
			})
		}
	}
	return fit(all, left)
}

// recordID returns an id that depends only on the inquiry, the source and the record's
// place in the answer, so that composing the report again gives the same ids.
func recordID(id inquiry.ID, a source.Answer, s source.Subject, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%s|%d", id, a.Type, a.Version, s.Ref, n))
	return "sr_" + hex.EncodeToString(sum[:10])
}

// fit returns the records that fit into the report, in their order, and adds to
// left what does not fit.
func fit(all []SourceRecord, left leftOut) ([]SourceRecord, leftOut) {
	byPriority := make([]int, len(all))
	for i := range byPriority {
		byPriority[i] = i
	}
	slices.SortStableFunc(byPriority, func(i, j int) int { return priority(all[i]) - priority(all[j]) })

	// First make room for all records without their details, then for the details: a
	// match without its address is worth more than an address.
	room := maxBare
	keep := make([]bool, len(all))
	for _, i := range byPriority {
		if bare := size(withoutDetails(all[i])); bare <= room {
			keep[i] = true
			room -= bare
			continue
		}
		left.records++
	}
	room += maxDetails
	for _, i := range byPriority {
		if !keep[i] {
			continue
		}
		if details := size(all[i]) - size(withoutDetails(all[i])) + listedFactsSize(all[i]); details <= room {
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

// priority is 0 for the most important records: found, then ambiguous, then the
// rest.
func priority(r SourceRecord) int {
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

// size returns the record's bytes in JSON, with the comma after it.
func size(r SourceRecord) int { return jsonSize(r) + 1 }

// listedFactsSize returns the most bytes that the record's facts need in the
// report's own list of facts, where each has the record's id.
func listedFactsSize(r SourceRecord) int {
	total := 0
	for _, f := range r.Facts {
		total += jsonSize(Fact{Fact: f, SourceRecords: []string{r.ID}}) + 1
	}
	return total
}

func jsonSize(v any) int {
	text, err := json.Marshal(v)
	if err != nil { // nothing in a bounded record can fail to encode
		panic(fmt.Sprintf("report: %v", err))
	}
	return len(text)
}
