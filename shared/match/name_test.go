package match_test

import (
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/match"
)

func TestOrganizationName(t *testing.T) {
	t.Parallel()

	tests := map[string]struct{ name, want string }{
		"legal form at the end":            {"Karlova Shipping, L.L.C.", "karlova shipping"},
		"legal form at the start":          {"OOO Karlova Shipping", "karlova shipping"},
		"legal form of several words":      {"Karlova Limited Liability Company", "karlova"},
		"several legal forms":              {"Karlova Trading Co., Ltd.", "karlova trading"},
		"an article and a legal form":      {"The Company", "the"},
		"nothing but a legal form":         {"Limited", "limited"},
		"ampersand":                        {"Karl & Ova", "karl and ova"},
		"ampersand without spaces":         {"K&O", "k and o"},
		"initials with dots":               {"K.L.M. Freight", "klm freight"},
		"three initials":                   {"K L M Freight", "k l m freight"},
		"a spaced word":                    {"K a r l o v a Freight", "karlova freight"},
		"a spaced word with a legal form":  {"K a r l o v a L.L.C.", "karlova"},
		"two spaced words at once":         {"1 2 3 4 K L M N", "1234klmn"},
		"apostrophes":                      {"O'Hara's Café", "oharas cafe"},
		"Cyrillic":                         {"ООО Карлова", "karlova"},
		"umlauts and accents":              {"Società Müller", "societa muller"},
		"hyphens and slashes":              {"Karl-Ova/Sons", "karl ova sons"},
		"abbreviations":                    {"Karlova Intl Mfg", "karlova international manufacturing"},
		"spa is a trade, not a legal form": {"Karlova Nail Spa LLC", "karlova nail spa"},
		"no letters":                       {"--- ...", ""},
		"empty":                            {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := match.OrganizationName(tt.name).String(); got != tt.want {
				t.Errorf("OrganizationName(%q) = %q, want %q", tt.name, got, tt.want)
			}
		})
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"Karlova & Sons, L.L.C.", "О'Хара", "...", strings.Repeat("a", 100), "\xff\x00'&."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, n := range []match.Name{match.OrganizationName(s), match.PersonName(s)} {
			for _, w := range n.Words {
				if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
					t.Fatalf("word %q of %q", w, s)
				}
			}
		}
	})
}
