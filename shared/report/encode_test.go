package report_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

func TestDecode(t *testing.T) {
	t.Parallel()

	t.Run("returns the encoded report", func(t *testing.T) {
		t.Parallel()

		want := report.Compose(id, []source.Answer{screened(), answer("gleif", source.Optional, inquiry.OutcomeNotApplicable)}, now)
		blob, err := report.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := report.Decode(blob)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("report (-encoded +decoded):\n%s", diff)
		}
	})

	// Reports in the table must stay readable, however new ones are compressed.
	t.Run("stored reports can be read", func(t *testing.T) {
		t.Parallel()

		want := report.Compose(id, []source.Answer{screened()}, now)
		plain, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		first, err := os.ReadFile("dictionary1.txt")
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(first)); sum != "c15bc13085aecac689bdcf9a063e748b05a1d9d60e46b1a1109795f6fd3c61c7" {
			t.Errorf("dictionary1.txt has changed (checksum %s): restore it, and add a new dictionary instead", sum)
		}
		for name, options := range map[string][]zstd.EOption{
			"without a dictionary": nil,
			"with the first one":   {zstd.WithEncoderDictRaw(1, first)},
		} {
			z, err := zstd.NewWriter(nil, options...)
			if err != nil {
				t.Fatal(err)
			}
			got, err := report.Decode(z.EncodeAll(plain, nil))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: report (-compressed +decoded):\n%s", name, diff)
			}
		}
	})

	t.Run("rejects anything that is not a report", func(t *testing.T) {
		t.Parallel()

		blob, err := report.Encode(report.Compose(id, []source.Answer{screened()}, now))
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{"nothing": nil, "text": []byte("{}"), "a truncated report": blob[:len(blob)/2]} {
			if _, err := report.Decode(b); err == nil {
				t.Errorf("%s: Decode returned no error", name)
			}
		}
	})

	t.Run("any answer can be stored and read back", func(t *testing.T) {
		t.Parallel()

		texts := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 500), func(b []byte) string { return string(b) }))
		rapid.Check(t, func(t *rapid.T) {
			a := answer("ofac", source.Required, inquiry.OutcomeAmbiguous)
			for range rapid.IntRange(0, 30).Draw(t, "records") {
				a.Records = append(a.Records, source.Record{
					Outcome: inquiry.OutcomeAmbiguous,
					Subject: source.Principal(rapid.IntRange(0, 3).Draw(t, "principal")),
					Match:   &source.Match{Score: rapid.Float64().Draw(t, "score"), MatchedName: texts.Draw(t, "name")},
					Facts: []source.Fact{
						{Name: texts.Draw(t, "fact"), Value: texts.Draw(t, "value")}, {Name: "n", Value: rapid.Int().Draw(t, "number")},
					},
					Properties: map[string]string{texts.Draw(t, "property"): texts.Draw(t, "text")},
				})
			}
			a.Notes = []string{texts.Draw(t, "note")}
			want := report.Compose(id, []source.Answer{a}, now)
			blob, err := report.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := report.Decode(blob)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("report (-encoded +decoded):\n%s", diff)
			}
		})
	})
}

func BenchmarkEncode(b *testing.B) {
	r := report.Compose(id, []source.Answer{screened()}, now)
	for b.Loop() {
		if _, err := report.Encode(r); err != nil {
			b.Fatal(err)
		}
	}
}
