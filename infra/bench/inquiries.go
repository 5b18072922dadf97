package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// listed has businesses on the repository's sanctions list. One inquiry in fifty
// names one of them, which is far more than in practice.
var listed = []string{"Karlova Maritime Holdings, Inc.", "Sablefin Trading Company"}

// invent returns n businesses as loan files describe them, each about 450 bytes of
// JSON. The same n always gives the same businesses.
func invent(n int) []inquiry.Inquiry {
	r := rand.New(rand.NewPCG(1, 2))
	inquiries := make([]inquiry.Inquiry, n)
	for i := range inquiries {
		one := word(r)
		name := fmt.Sprintf("%s %s %s", one, word(r), pick(r, "LLC", "Inc.", "Company", "Partners LP"))
		if i%50 == 1 {
			name = listed[i/50%len(listed)]
		}
		owned := float64(25 + 25*r.IntN(4))
		inquiries[i] = inquiry.Inquiry{
			BusinessName: name,
			EIN:          fmt.Sprintf("%s%07d", pick(r, "20", "36", "47", "91"), r.IntN(10_000_000)),
			Address: &inquiry.Address{
				Line1: fmt.Sprintf("%d %s %s", 1+r.IntN(9999), word(r), pick(r, "Street", "Avenue", "Road", "Lane")),
				City:  word(r), State: pick(r, "ME", "OH", "TX", "CA", "NY", "FL"), PostalCode: fmt.Sprintf("%05d", 10_000+r.IntN(80_000)), Country: "US",
			},
			Phone:   fmt.Sprintf("+1202555%04d", r.IntN(10_000)),
			Email:   strings.ToLower(word(r) + "@" + one + ".example"),
			Website: "https://www." + strings.ToLower(one) + ".example",
			Principals: []inquiry.Principal{{
				FirstName: word(r), LastName: word(r), Title: pick(r, "President", "Owner", "Member"), OwnershipPercentage: &owned,
				DateOfBirth: fmt.Sprintf("%d-%02d-%02d", 1945+r.IntN(55), 1+r.IntN(12), 1+r.IntN(28)),
			}},
			ExternalID: fmt.Sprintf("LOAN-%06d", r.IntN(1_000_000)/len(inquiries)*len(inquiries)+i),
			Metadata:   map[string]string{"product": pick(r, "equipment", "term-loan", "line-of-credit")},
		}
	}
	return inquiries
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// word returns a word of random syllables, which compresses about as badly as a
// real name.
func word(r *rand.Rand) string {
	var w strings.Builder
	for range 2 + r.IntN(2) {
		w.WriteString(pick(r, "b", "br", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "w"))
		w.WriteString(pick(r, "a", "e", "i", "o", "u", "ar", "en", "il", "on"))
	}
	return strings.ToUpper(w.String()[:1]) + w.String()[1:]
}
