package inquiry_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

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
			"a character that is not a character": {
				inquiries: []inquiry.Inquiry{{BusinessName: "A", DBA: "B\uffff"}},
				want:      []fault{{"/inquiries/0/dba", "damaged-text"}},
			},
			"a name that is shown backwards": {
				inquiries: []inquiry.Inquiry{{BusinessName: "\u202eLLC gnippihS avolraK"}},
				want:      []fault{{"/inquiries/0/businessName", "control-character"}},
			},
			"a website that is a script": {
				inquiries: []inquiry.Inquiry{{BusinessName: "A", Website: "javascript:alert(1)"}},
				want:      []fault{{"/inquiries/0/website", "form"}},
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

func TestCheckText(t *testing.T) {
	t.Parallel()

	rejected := map[rune]string{utf8.RuneError: "damaged-text"}
	for c := rune(0xFDD0); c <= 0xFDEF; c++ {
		rejected[c] = "damaged-text"
	}
	for plane := rune(0); plane <= 0x10; plane++ {
		rejected[plane<<16|0xFFFE], rejected[plane<<16|0xFFFF] = "damaged-text", "damaged-text"
	}
	for c := range rune(utf8.MaxRune + 1) {
		if unicode.IsControl(c) {
			rejected[c] = "control-character"
		}
	}
	// The 12 characters that Unicode lists as Bidi_Control.
	for _, c := range "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" {
		rejected[c] = "control-character"
	}
	for c := range rune(utf8.MaxRune + 1) {
		if !utf8.ValidRune(c) {
			continue // a surrogate cannot be in a string
		}
		code, message := inquiry.CheckText("A" + string(c) + "B")
		if code != rejected[c] || (message == "") != (code == "") {
			t.Errorf("CheckText of a text with U+%04X = %q, %q; want code %q", c, code, message, rejected[c])
		}
	}
}

func TestCheckWebsite(t *testing.T) {
	t.Parallel()

	for _, website := range []string{
		"", "example.com", "EXAMPLE.COM", "www.example.com/path", "example.com.", "example.com:8080", "example.com:65535/a:b@c",
		"example.com?q=a@b", "example.com#top", "http://example.com", "https://example.com/", "HTTP://Example.COM/Path", "https://example.com:443/?a=b",
		"https://example.com./", "bücher.example", "https://пример.рф/путь", "xn--bcher-kva.example", "1-2.example", "192.0.2.1", "http://192.0.2.1:80/",
		" example.com ", "example.com/mailto:a@b", strings.Repeat("a", 63) + ".example",
	} {
		if message := inquiry.CheckWebsite(website); message != "" {
			t.Errorf("CheckWebsite(%q) = %q, want it accepted", website, message)
		}
	}
	for _, website := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "javascript://example.com/%0aalert(1)", "data:text/html,x", "ftp://example.com", "file:///etc/passwd",
		"mailto:a@example.com", "tel:5551", "http:", "http://", "http:///", "http:///example.com", "http:example.com", "http:/example.com", "//evil.example", "/path", "?q", "#top", ".", "..",
		"https://https://example.com", "https://user@example.com", "https://user:secret@example.com", "user@example.com", "example.com\\@evil.example", "http:\\\\example.com",
		"example", "localhost", "example..com", ".example.com", "example.com..", "-example.com", "example-.com", "my_shop.example", "ex%61mple.com", "example,com",
		"example.com:", "example.com:x", "example.com:0", "example.com:65536", "example.com:+80", "[2001:db8::1]", "http://[2001:db8::1]/", "exa mple.com", "example.com/a b", "example.com/\u00a0b", "example.com/a\nb",
		"example\u200b.com", strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "example",
	} {
		message := inquiry.CheckWebsite(website)
		if message == "" {
			t.Errorf("CheckWebsite(%q) accepted it", website)
		}
		if strings.Contains(message, website) && len(website) > 7 {
			t.Errorf("the message about %q repeats it", website)
		}
	}
}
