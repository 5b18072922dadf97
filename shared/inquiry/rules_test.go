package inquiry_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestCheck(t *testing.T) {
	t.Parallel()

	t.Run("reports the place of every error", func(t *testing.T) {
		t.Parallel()
		type fault struct{ pointer, code string }
		tests := map[string]struct {
			inquiries []inquiry.Inquiry
			want      []fault
		}{
			"no errors": {
				inquiries: []inquiry.Inquiry{{BusinessName: "A", ExternalID: "1"}, {BusinessName: "A", ExternalID: "2"}, {BusinessName: "A"}, {BusinessName: "A"}},
			},
			"a name of blanks": {
				inquiries: []inquiry.Inquiry{{BusinessName: " \t"}},
				want:      []fault{{"/inquiries/0/businessName", "required"}, {"/inquiries/0/businessName", "control-character"}},
			},
			"an external id used three times": {
				inquiries: []inquiry.Inquiry{{BusinessName: "A", ExternalID: "x"}, {BusinessName: "B", ExternalID: "x"}, {BusinessName: "C", ExternalID: "x"}},
				want:      []fault{{"/inquiries/1/externalId", "duplicate"}, {"/inquiries/2/externalId", "duplicate"}},
			},
			"an EIN of zeros": {
				inquiries: []inquiry.Inquiry{{BusinessName: "A", EIN: "00-0000000"}},
				want:      []fault{{"/inquiries/0/ein", "invalid"}},
			},
			"a principal without a name": {
				inquiries: []inquiry.Inquiry{{BusinessName: "A", Principals: []inquiry.Principal{{LastName: "B"}, {Title: "Owner"}}}},
				want:      []fault{{"/inquiries/0/principals/1/lastName", "required"}},
			},
			"impossible dates of birth": {
				inquiries: []inquiry.Inquiry{{BusinessName: "A", Principals: []inquiry.Principal{
					{LastName: "A", DateOfBirth: "2027-01-01"}, {LastName: "B", DateOfBirth: "1985-02-30"},
					{LastName: "C", DateOfBirth: "1899-12-31"}, {LastName: "D", DateOfBirth: "1985-02-28"},
				}}},
				want: []fault{
					{"/inquiries/0/principals/0/dateOfBirth", "invalid"},
					{"/inquiries/0/principals/1/dateOfBirth", "invalid"},
					{"/inquiries/0/principals/2/dateOfBirth", "invalid"},
				},
			},
			"text that was not UTF-8": {
				inquiries: []inquiry.Inquiry{{BusinessName: "Caf\ufffd"}},
				want:      []fault{{"/inquiries/0/businessName", "damaged-text"}},
			},
			"a line break in an address": {
				inquiries: []inquiry.Inquiry{{BusinessName: "A"}, {BusinessName: "B", Address: &inquiry.Address{City: "New\nYork"}}},
				want:      []fault{{"/inquiries/1/address/city", "control-character"}},
			},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var got []fault
				for _, f := range inquiry.Check(tt.inquiries, noon) {
					got = append(got, fault{f.Pointer, f.Code})
					if f.Message == "" || f.ExternalID != tt.inquiries[f.Index].ExternalID {
						t.Errorf("fault %+v has no message or not its inquiry's externalId", f)
					}
				}
				if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(fault{})); diff != "" {
					t.Errorf("Check() (-want +got):\n%s", diff)
				}
			})
		}
	})

	t.Run("limits the length of metadata", func(t *testing.T) {
		t.Parallel()
		for key, value := range map[string]string{
			"": "a", strings.Repeat("k", 41): "a", "value": strings.Repeat("ä", 251), "line": "a\nb", "a/b~c\x00": "d",
		} {
			faults := inquiry.Check([]inquiry.Inquiry{{BusinessName: "A", Metadata: map[string]string{key: value}}}, noon)
			if len(faults) != 1 || faults[0].Pointer != "/inquiries/0/metadata/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key) {
				t.Errorf("metadata %q: %+v, want one fault at its key", key, faults)
			}
		}
		longest := map[string]string{strings.Repeat("ä", 40): strings.Repeat("ä", 250)}
		if faults := inquiry.Check([]inquiry.Inquiry{{BusinessName: "A", Metadata: longest}}, noon); len(faults) != 0 {
			t.Errorf("the longest allowed metadata: %+v", faults)
		}
	})
}

func TestNormalize(t *testing.T) {
	t.Parallel()

	t.Run("does not change the original", func(t *testing.T) {
		t.Parallel()
		given := inquiry.Inquiry{
			BusinessName: "  Acme Roofing ", EIN: "12-3456789",
			Address:    &inquiry.Address{State: " ny", Country: "us"},
			Principals: []inquiry.Principal{{LastName: " Doe "}},
		}
		got := given.Normalize()
		want := inquiry.Inquiry{
			BusinessName: "Acme Roofing", EIN: "123456789",
			Address:    &inquiry.Address{State: "NY", Country: "US"},
			Principals: []inquiry.Principal{{LastName: "Doe"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Normalize() (-want +got):\n%s", diff)
		}
		if given.Address.State != " ny" || given.Principals[0].LastName != " Doe " {
			t.Error("Normalize changed the inquiry it was called on")
		}
	})
}

func TestInquiryString(t *testing.T) {
	t.Parallel()

	t.Run("printing and logging hide personal data", func(t *testing.T) {
		t.Parallel()
		in := inquiry.Inquiry{BusinessName: "Hidden LLC", EIN: "987654321", Principals: []inquiry.Principal{{LastName: "Hidden"}}}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("seen", "inquiry", in, "all", []inquiry.Inquiry{in}, "pointer", &in, "principal", in.Principals[0])

		shown := log.String() + fmt.Sprintf("%v %+v %#v %s %v", in, &in, in, []inquiry.Inquiry{in}, in.Principals)
		if strings.Contains(shown, "Hidden LLC") || strings.Contains(shown, "98765") || strings.Contains(shown, "Hidden\"") || strings.Contains(shown, "{Hidden") {
			t.Errorf("personal data was printed:\n%s", shown)
		}
	})
}
