package ofac

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

func screen(t testing.TB, in inquiry.Inquiry) source.Result {
	t.Helper()

	res, err := New(mustLoad(t, invented(t))).Lookup(t.Context(), source.Query{Inquiry: in})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestLookup(t *testing.T) {
	t.Parallel()

	t.Run("the sample batch gets the matches it describes", func(t *testing.T) {
		t.Parallel()

		data, err := os.ReadFile("../../../events/sample-batch.json")
		if err != nil {
			t.Fatal(err)
		}
		var batch struct{ Inquiries []inquiry.Inquiry }
		if err := json.Unmarshal(data, &batch); err != nil {
			t.Fatal(err)
		}
		want := map[string]inquiry.SourceOutcome{
			"LOAN-1001": inquiry.OutcomeFound,     // name and tax id
			"LOAN-1002": inquiry.OutcomeFound,     // name and address
			"LOAN-1003": inquiry.OutcomeFound,     // a principal, by date of birth
			"LOAN-1004": inquiry.OutcomeFound,     // an alias in Cyrillic, and the web address
			"LOAN-1005": inquiry.OutcomeAmbiguous, // the same name in a different city
			"LOAN-1006": inquiry.OutcomeAmbiguous, // a principal; only the year of birth is listed
		}
		got := map[string]inquiry.SourceOutcome{}
		for _, in := range batch.Inquiries {
			if _, hit := want[in.ExternalID]; !hit { // includes the near misses, 1007 to 1016
				want[in.ExternalID] = inquiry.OutcomeNoRecord
			}
			got[in.ExternalID] = screen(t, in).Outcome
		}
		if len(got) != 25 {
			t.Errorf("the sample batch has %d inquiries, want 25", len(got))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	})

	t.Run("a record states what the match is based on", func(t *testing.T) {
		t.Parallel()

		res := screen(t, inquiry.Inquiry{BusinessName: "Karlova Maritime Holdings", EIN: "910555101"})
		want := []source.Record{{
			Outcome: inquiry.OutcomeFound,
			Subject: source.Business(),
			Match: &source.Match{
				Score: 1, Method: "name+taxId", MatchedName: "KARLOVA MARITIME HOLDINGS LLC", Agree: []string{"taxId"}, Label: "strong_match",
			},
			Facts: []source.Fact{ // names spelled out: they are stored and must not change
				{Name: "sanctions.list", Value: "OFAC SDN"},
				{Name: "sanctions.list_date", Value: "2026-11-02"},
				{Name: "sanctions.entity_id", Value: "900101"},
				{Name: "sanctions.program", Value: "EXAMPLE1"},
				{Name: "sanctions.program", Value: "EXAMPLE-EO2"},
				{Name: "sanctions.strong_match", Value: true},
			},
			Properties: map[string]string{
				"entityId":      "900101",
				"entityType":    "entity",
				"listedName":    "KARLOVA MARITIME HOLDINGS LLC",
				"programs":      "EXAMPLE1, EXAMPLE-EO2",
				"addresses":     "410 Gullwing Parkway, Suite 12, Port Haverly, NJ 07999, United States; Strelsau, Ruritania",
				"linkedTo":      "VORONTSEV, Arkady Semyonovich",
				"registrations": "Business Registration Number 0555101 (Delaware) (United States)",
				"listDate":      "2026-11-02",
				"listDateIs":    "list date in manifest.json",
				"listOrigin":    "invented for batch-inquiries; not OFAC data, holds no real person, company, vessel or aircraft",
			},
		}}
		if diff := cmp.Diff(want, res.Records); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if !res.AsOf.Equal(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)) || len(res.Evidence) != 4 {
			t.Errorf("as of %s with %d files of evidence, want 2026-11-02 with 4", res.AsOf, len(res.Evidence))
		}
	})

	t.Run("no match is stated with the list's date", func(t *testing.T) {
		t.Parallel()

		res := screen(t, inquiry.Inquiry{
			BusinessName: "Quiet Pines Bakery", Principals: []inquiry.Principal{{FirstName: "Ada", LastName: "Pines"}},
		})
		for i, subject := range []source.Subject{source.Business(), source.Principal(0)} {
			r := res.Records[i]
			if r.Subject != subject {
				t.Errorf("record %d is about %s, want %s", i, r.Subject.Ref, subject.Ref)
			}
			if r.Outcome != inquiry.OutcomeNoRecord {
				t.Errorf("record %d: outcome %s, want NO_RECORD", i, r.Outcome)
			}
			if r.Match != nil {
				t.Errorf("record %d has a match with %q, want none", i, r.Match.MatchedName)
			}
			if got, want := r.Properties["statement"], "no match found on list dated 2026-11-02"; got != want {
				t.Errorf("record %d: statement %q, want %q", i, got, want)
			}
		}
		notes := strings.Join(res.Notes, " ")
		for _, phrase := range []string{"no match found on list dated 2026-11-02", "invented", "50 Percent Rule is not checked"} {
			if !strings.Contains(notes, phrase) {
				t.Errorf("the notes do not contain %q: %s", phrase, notes)
			}
		}
	})

	t.Run("a note says when a name has too many words", func(t *testing.T) {
		t.Parallel()

		const note = "has more than 32 words"
		for name, want := range map[string]bool{strings.Repeat("Quiet ", 32): false, strings.Repeat("Quiet ", 33): true} {
			for where, in := range map[string]inquiry.Inquiry{
				"business":   {BusinessName: name},
				"trade name": {BusinessName: "A", DBA: name},
				"principal":  {BusinessName: "A", Principals: []inquiry.Principal{{LastName: name}}},
			} {
				if got := strings.Contains(strings.Join(screen(t, in).Notes, " "), note); got != want {
					t.Errorf("%s of %d words: the notes say that it %s: %t, want %t", where, strings.Count(name, " "), note, got, want)
				}
			}
		}
	})

	t.Run("at most ten candidates are shown", func(t *testing.T) {
		t.Parallel()

		dir := invented(t)
		var sdn strings.Builder
		for i := range 15 {
			fmt.Fprintf(&sdn, "%d,\"QUIET PINES BAKERY\",-0- ,\"EXAMPLE1\"%s\r\n", 1+i, strings.Repeat(",-0- ", 8))
		}
		dir["sdn.csv"].Data = []byte(sdn.String())
		for _, name := range []string{"alt.csv", "add.csv", "sdn_comments.csv"} {
			dir[name].Data = nil
		}
		res, err := New(mustLoad(t, dir)).Lookup(t.Context(), source.Query{Inquiry: inquiry.Inquiry{BusinessName: "Quiet Pines Bakery"}})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(res.Records); n != 10 {
			t.Fatalf("%d records, want 10", n)
		}
		if got := res.Records[9].Properties["candidatesLeftOut"]; got != "5" {
			t.Errorf("the last record says %q candidates are left out, want 5", got)
		}
	})
}

func TestScreen(t *testing.T) {
	t.Parallel()

	at := func(line, city, state, zip string) *inquiry.Address {
		return &inquiry.Address{Line1: line, City: city, State: state, PostalCode: zip}
	}
	owner := func(first, last, born string) []inquiry.Principal {
		return []inquiry.Principal{{FirstName: first, LastName: last, DateOfBirth: born}}
	}
	karlova := "Karlova Maritime Holdings LLC"
	tests := map[string]struct {
		in              inquiry.Inquiry
		want            inquiry.SourceOutcome
		method          string // of the first candidate
		agree, disagree []string
	}{
		"name and tax id": {
			in:   inquiry.Inquiry{BusinessName: karlova, EIN: "910555101"},
			want: inquiry.OutcomeFound, method: "name+taxId", agree: []string{"taxId"},
		},
		"tax id with a hyphen": {
			in:   inquiry.Inquiry{BusinessName: karlova, EIN: "91-0555101"},
			want: inquiry.OutcomeFound, method: "name+taxId", agree: []string{"taxId"},
		},
		"name alone": {in: inquiry.Inquiry{BusinessName: karlova}, want: inquiry.OutcomeAmbiguous, method: "name"},
		"name with a different tax id": {
			in:   inquiry.Inquiry{BusinessName: karlova, EIN: "910555199"},
			want: inquiry.OutcomeAmbiguous, method: "name", disagree: []string{"taxId"},
		},
		"tax id with a different name": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", EIN: "910555111"},
			want: inquiry.OutcomeAmbiguous, method: "taxId", agree: []string{"taxId"},
		},
		"tax id of another country": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", EIN: "005550106"},
			want: inquiry.OutcomeNoRecord,
		},
		"name before eight other words": {
			in:   inquiry.Inquiry{BusinessName: "Karlova Maritime Holdings Blue Kettle Coffee Roasters Harbor Lights Bakery Shop"},
			want: inquiry.OutcomeAmbiguous, method: "containedName",
		},
		"name between other words": {
			in:   inquiry.Inquiry{BusinessName: "Blue Karlova Kettle Coffee Maritime Roasters Lights Holdings Bakery LLC"},
			want: inquiry.OutcomeAmbiguous, method: "containedName",
		},
		"name behind forty other words": {
			in:   inquiry.Inquiry{BusinessName: strings.Repeat("Blue Kettle ", 20) + karlova},
			want: inquiry.OutcomeAmbiguous, method: "containedName",
		},
		"name before other words, with its tax id": {
			in:   inquiry.Inquiry{BusinessName: "Karlova Maritime Holdings Blue Kettle Coffee Roasters", EIN: "910555101"},
			want: inquiry.OutcomeAmbiguous, method: "containedName+taxId", agree: []string{"taxId"},
		},
		"digits for letters": {
			in:   inquiry.Inquiry{BusinessName: "K4RL0VA MAR1T1M3 H0LD1NG5"},
			want: inquiry.OutcomeAmbiguous, method: "name",
		},
		"digits for letters in a principal's name": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", Principals: owner("Arkady Semyonovich", "V0R0NTSEV", "")},
			want: inquiry.OutcomeAmbiguous, method: "name",
		},
		"one word of the name among others": {
			in:   inquiry.Inquiry{BusinessName: "Blue Kettle Maritime Coffee Roasters"},
			want: inquiry.OutcomeNoRecord,
		},
		"trade name": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", DBA: "Karlova Stevedores", EIN: "910555101"},
			want: inquiry.OutcomeFound, method: "alias+taxId", agree: []string{"taxId"},
		},
		"street and ZIP code": {
			in:   inquiry.Inquiry{BusinessName: karlova, Address: at("410 Gullwing Pkwy", "", "", "07999-1234")},
			want: inquiry.OutcomeFound, method: "name+address", agree: []string{"address"},
		},
		"street and city": {
			in:   inquiry.Inquiry{BusinessName: karlova, Address: at("410 GULLWING PARKWAY", "port haverly", "nj", "")},
			want: inquiry.OutcomeFound, method: "name+address", agree: []string{"address"},
		},
		"a post office box": {
			in:   inquiry.Inquiry{BusinessName: "Kestrel and Daughters Freight Forwarding", Address: at("PO Box 555", "", "", "07999")},
			want: inquiry.OutcomeFound, method: "name+address", agree: []string{"address"},
		},
		"the house next door": {
			in:   inquiry.Inquiry{BusinessName: karlova, Address: at("412 Gullwing Parkway", "Port Haverly", "NJ", "07999")},
			want: inquiry.OutcomeAmbiguous, method: "name+city", agree: []string{"city"}, disagree: []string{"street"},
		},
		"a different city": {
			in:   inquiry.Inquiry{BusinessName: karlova, Address: at("410 Gullwing Parkway", "Red Mesa", "AZ", "85999")},
			want: inquiry.OutcomeAmbiguous, method: "name", disagree: []string{"address"},
		},
		"an entity in another country": {
			in:   inquiry.Inquiry{BusinessName: "Gullwing Orchard Supply", Address: at("12 Apple Row", "Zenda", "OR", "97999")},
			want: inquiry.OutcomeAmbiguous, method: "name", disagree: []string{"country"},
		},
		"phone and website": {
			in:   inquiry.Inquiry{BusinessName: karlova, Phone: "+1 (202) 555-0101", Website: "http://karlova-maritime.example/"},
			want: inquiry.OutcomeFound, method: "name+phone+website", agree: []string{"phone", "website"},
		},
		"website with a port and a final dot": {
			in:   inquiry.Inquiry{BusinessName: karlova, Website: "KARLOVA-MARITIME.example.:443?a=b"},
			want: inquiry.OutcomeFound, method: "name+website", agree: []string{"website"},
		},
		"a tax id where the remarks are cut": {
			in:   inquiry.Inquiry{BusinessName: "Orsinian National Freight Bureau", EIN: "910555103"},
			want: inquiry.OutcomeFound, method: "name+taxId", agree: []string{"taxId"},
		},
		"a weak alias, exact": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", DBA: "O.N.F.B."},
			want: inquiry.OutcomeAmbiguous, method: "weakAlias",
		},
		"a weak alias with another word": {in: inquiry.Inquiry{BusinessName: "ONFB Freight"}, want: inquiry.OutcomeNoRecord},
		"a weak alias, misspelled": {
			in: inquiry.Inquiry{BusinessName: "Paper Moons"}, want: inquiry.OutcomeNoRecord,
		},
		"a vessel":    {in: inquiry.Inquiry{BusinessName: "Sea Marzipan LLC"}, want: inquiry.OutcomeAmbiguous, method: "name"},
		"an aircraft": {in: inquiry.Inquiry{BusinessName: "ZZ-EX1"}, want: inquiry.OutcomeAmbiguous, method: "name"},
		"a business named like a listed person": {
			in: inquiry.Inquiry{BusinessName: "Iolanthe Dragomire LLC"}, want: inquiry.OutcomeAmbiguous, method: "name",
		},
		"a principal with the same date of birth": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", Principals: owner("Arkadij", "Voroncev", "1968-07-14")},
			want: inquiry.OutcomeFound, method: "alias+dateOfBirth", agree: []string{"dateOfBirth"},
		},
		"a principal with an alternative date of birth": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", Principals: owner("Inocencio", "Montero de la Nada", "1971-12-28")},
			want: inquiry.OutcomeFound, method: "name+dateOfBirth", agree: []string{"dateOfBirth"},
		},
		"a principal born on another day": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", Principals: owner("Arkady", "Vorontsev", "1968-07-15")},
			want: inquiry.OutcomeAmbiguous, method: "alias", disagree: []string{"dateOfBirth"},
		},
		"a principal born in the listed month": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", Principals: owner("Iolanthe", "Dragomire", "1983-03-31")},
			want: inquiry.OutcomeAmbiguous, method: "name+yearOfBirth", agree: []string{"yearOfBirth"},
		},
		"a principal born about that year": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", Principals: owner("Yusra", "Al Zarnuq", "1973-05-05")},
			want: inquiry.OutcomeAmbiguous, method: "name+yearOfBirth", agree: []string{"yearOfBirth"},
		},
		"a principal without a date of birth": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", Principals: owner("Ottoline", "Pemberwick", "")},
			want: inquiry.OutcomeAmbiguous, method: "name",
		},
		"a principal named like a vessel": {
			in:   inquiry.Inquiry{BusinessName: "Quiet Pines Bakery", Principals: owner("Sea", "Marzipan", "")},
			want: inquiry.OutcomeNoRecord,
		},
		"no match": {in: inquiry.Inquiry{BusinessName: "Quiet Pines Bakery"}, want: inquiry.OutcomeNoRecord},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			res := screen(t, tt.in)
			if res.Outcome != tt.want {
				t.Errorf("outcome %s, want %s", res.Outcome, tt.want)
			}
			var first source.Match
			for _, r := range res.Records {
				if r.Match != nil {
					first = *r.Match
					break
				}
			}
			if first.Method != tt.method {
				t.Errorf("method %q (score %.3f), want %q", first.Method, first.Score, tt.method)
			}
			if diff := cmp.Diff(tt.agree, first.Agree); diff != "" {
				t.Errorf("agree (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.disagree, first.Disagree); diff != "" {
				t.Errorf("disagree (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLookupError(t *testing.T) {
	t.Parallel()

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx  context.Context
		in   inquiry.Inquiry
		want source.ErrorKind
	}{
		"too many principals": {
			t.Context(), inquiry.Inquiry{BusinessName: "A", Principals: make([]inquiry.Principal, MaxPrincipals+1)}, source.InvalidRequest,
		},
		"the context has ended": {ended, inquiry.Inquiry{BusinessName: "A"}, source.TooSlow},
	}
	s := New(mustLoad(t, invented(t)))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := s.Lookup(tt.ctx, source.Query{Inquiry: tt.in})
			if e, ok := errors.AsType[*source.Error](err); !ok || e.Kind != tt.want {
				t.Errorf("Lookup: %v, want kind %q", err, tt.want)
			}
		})
	}
}

func TestApplicable(t *testing.T) {
	t.Parallel()

	s := New(nil)
	if ok, _ := s.Applicable(inquiry.Inquiry{BusinessName: "A"}); !ok {
		t.Error("a business with a name is not applicable")
	}
	if ok, reason := s.Applicable(inquiry.Inquiry{BusinessName: "***"}); ok || reason == "" {
		t.Errorf("a name without letters: applicable %t, reason %q; want false and a reason", ok, reason)
	}
}
