// Package hostile makes bodies of submissions that must be rejected, for tests of the
// routes and of the deployed service.
package hostile

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Secret appears in the bodies in place of personal data. No response may repeat it.
const Secret = "Zanzibar"

// Each is the number of bodies of each kind.
const Each = 40

// valid returns a batch that would be accepted. Every hostile one is made from it.
func valid() map[string]any {
	return map[string]any{"name": "A", "inquiries": []any{
		map[string]any{
			"businessName": Secret + " LLC", "dba": "B", "ein": "123456789", "phone": "+1 555 0100", "email": "a@b.example",
			"website": "b.example", "externalId": "L-0", "metadata": map[string]any{"k": "v"},
			"address":    map[string]any{"line1": "1 Main Street", "city": "Denver", "state": "CO", "country": "US"},
			"principals": []any{map[string]any{"firstName": "Mira", "lastName": Secret, "dateOfBirth": "1980-02-29", "title": "CEO"}},
		},
		map[string]any{"businessName": "C", "externalId": "L-1"},
	}}
}

// places returns the objects in a valid body, each of which a hostile client can spoil.
func places(body map[string]any) []map[string]any {
	first := body["inquiries"].([]any)[0].(map[string]any)
	return []map[string]any{
		body, first, first["address"].(map[string]any), first["principals"].([]any)[0].(map[string]any),
	}
}

// kinds spoil a valid body, each in one way, and return it.
var kinds = map[string]func(r *rand.Rand) string{
	"cut off": func(r *rand.Rand) string {
		whole := Valid()
		return whole[:1+r.IntN(len(whole)-1)]
	},
	"a byte that is not JSON": func(r *rand.Rand) string {
		whole := Valid()
		at := r.IntN(len(whole))
		return whole[:at] + string([]byte{[]byte{0x00, 0x01, 0x1f, 0xff, 0xc0, 0x80}[r.IntN(6)]}) + whole[at:]
	},
	"a field that does not exist": func(r *rand.Rand) string {
		body := valid()
		all := places(body)
		names := []string{"PK", "lenderId", "status", "__proto__", "constructor", "$where", "expiresAt", "a/b~c", "", "Ünknown", "businessname"}
		all[r.IntN(len(all))][names[r.IntN(len(names))]] = Secret
		return marshal(body)
	},
	"a value of the wrong type": func(r *rand.Rand) string {
		body := valid()
		all := places(body)
		place := all[r.IntN(len(all))]
		names := slices.Sorted(maps.Keys(place))
		name := names[r.IntN(len(names))]
		wrong := []any{7, true, -1.5, []any{[]any{Secret}}, 1e308}
		place[name] = wrong[r.IntN(len(wrong))]
		return marshal(body)
	},
	"a name twice": func(r *rand.Rand) string {
		body := valid()
		all := places(body)
		place := all[r.IntN(len(all))]
		names := slices.Sorted(maps.Keys(place))
		name := names[r.IntN(len(names))]
		once := fmt.Sprintf("%q:", name)
		return strings.Replace(marshal(body), once, once+`"x",`+once, 1)
	},
	"a text of absurd length": func(r *rand.Rand) string {
		body := valid()
		all := places(body)
		place := all[r.IntN(len(all))]
		for _, name := range slices.Sorted(maps.Keys(place)) {
			if _, text := place[name].(string); text {
				place[name] = strings.Repeat(Secret, 500+r.IntN(5000))
			}
		}
		return marshal(body)
	},
	"control characters": func(r *rand.Rand) string {
		body := valid()
		place := places(body)[1+r.IntN(3)]
		for _, name := range slices.Sorted(maps.Keys(place)) {
			if text, ok := place[name].(string); ok {
				place[name] = text + string(rune(1+r.IntN(31))) + Secret
			}
		}
		return marshal(body)
	},
	"far too many values": func(r *rand.Rand) string {
		places := []string{ // with a place for the values
			`{"name":"A","inquiries":[%s]}`, `{"name":"A","inquiries":[{"businessName":"B","principals":[%s]}]}`,
			`{"name":"A","inquiries":[[%s]]}`, `{"name":"A","inquiries":[{"businessName":"B"}],"more":[%s]}`, `[%s]`,
		}
		values := []string{`{}`, `0`, `1e999`, `null`, `[]`, `"` + Secret + `"`}
		return fmt.Sprintf(places[r.IntN(len(places))], strings.Repeat(values[r.IntN(len(values))]+",", 300+r.IntN(30_000))+"{}")
	},
	"nested too deeply": func(r *rand.Rand) string {
		depth := 20 + r.IntN(20_000)
		return `{"name":"A","inquiries":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`
	},
}

func marshal(body map[string]any) string {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// Valid returns the body that all others are made from. It is accepted.
func Valid() string { return marshal(valid()) }

// Body returns one body of a kind, the same for the same seed.
func Body(kind string, seed uint64) string { return kinds[kind](rand.New(rand.NewPCG(seed, 1))) }

// Kinds returns the names of all kinds.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }
