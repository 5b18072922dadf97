package httpapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// soundBody is a batch that would be accepted: every hostile one is made from it.
func soundBody() map[string]any {
	return map[string]any{"name": "A", "inquiries": []any{
		map[string]any{
			"businessName": secret + " LLC", "dba": "B", "ein": "123456789", "phone": "+1 555 0100", "email": "a@b.example",
			"website": "b.example", "externalId": "L-0", "metadata": map[string]any{"k": "v"},
			"address":    map[string]any{"line1": "1 Main Street", "city": "Denver", "state": "CO", "country": "US"},
			"principals": []any{map[string]any{"firstName": "Mira", "lastName": secret, "dateOfBirth": "1980-02-29", "title": "CEO"}},
		},
		map[string]any{"businessName": "C", "externalId": "L-1"},
	}}
}

// places are the objects of a sound body, each of which a hostile client can
// spoil.
func places(body map[string]any) []map[string]any {
	first := body["inquiries"].([]any)[0].(map[string]any)
	return []map[string]any{
		body, first, first["address"].(map[string]any), first["principals"].([]any)[0].(map[string]any),
	}
}

// spoil makes one kind of harm to a sound body, and returns its bytes.
var spoil = map[string]func(r *rand.Rand) string{
	"cut off": func(r *rand.Rand) string {
		whole := marshal(soundBody())
		return whole[:1+r.IntN(len(whole)-1)]
	},
	"a byte that is no JSON": func(r *rand.Rand) string {
		whole := marshal(soundBody())
		at := r.IntN(len(whole))
		return whole[:at] + string([]byte{[]byte{0x00, 0x01, 0x1f, 0xff, 0xc0, 0x80}[r.IntN(6)]}) + whole[at:]
	},
	"a field that does not exist": func(r *rand.Rand) string {
		body := soundBody()
		all := places(body)
		names := []string{"PK", "lenderId", "status", "__proto__", "constructor", "$where", "expiresAt", "a/b~c", "", "Ünknown", "businessname"}
		all[r.IntN(len(all))][names[r.IntN(len(names))]] = secret
		return marshal(body)
	},
	"a value of another type": func(r *rand.Rand) string {
		body := soundBody()
		all := places(body)
		place := all[r.IntN(len(all))]
		names := slices.Sorted(maps.Keys(place))
		name := names[r.IntN(len(names))]
		wrong := []any{7, true, -1.5, []any{[]any{secret}}, 1e308}
		place[name] = wrong[r.IntN(len(wrong))]
		return marshal(body)
	},
	"a name twice": func(r *rand.Rand) string {
		body := soundBody()
		all := places(body)
		place := all[r.IntN(len(all))]
		names := slices.Sorted(maps.Keys(place))
		name := names[r.IntN(len(names))]
		once := fmt.Sprintf("%q:", name)
		return strings.Replace(marshal(body), once, once+`"x",`+once, 1)
	},
	"a text of absurd length": func(r *rand.Rand) string {
		body := soundBody()
		all := places(body)
		place := all[r.IntN(len(all))]
		for _, name := range slices.Sorted(maps.Keys(place)) {
			if _, text := place[name].(string); text {
				place[name] = strings.Repeat(secret, 500+r.IntN(5000))
			}
		}
		return marshal(body)
	},
	"control characters": func(r *rand.Rand) string {
		body := soundBody()
		place := places(body)[1+r.IntN(3)]
		for _, name := range slices.Sorted(maps.Keys(place)) {
			if text, ok := place[name].(string); ok {
				place[name] = text + string(rune(1+r.IntN(31))) + secret
			}
		}
		return marshal(body)
	},
	"nested without end": func(r *rand.Rand) string {
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

func TestHostileInputStoresNothing(t *testing.T) {
	t.Parallel()
	fake := newFake()
	c := newClient(t, fake, io.Discard)
	if resp, body := c.do(t, http.MethodPost, "/v1/batch-inquiries/", marshal(soundBody())); resp.StatusCode != http.StatusOK {
		t.Fatalf("the sound body is refused, so that this test would show nothing: %s", body)
	}
	fake.stored = nil
	const each = 40
	for name, harm := range spoil {
		c.caller.LenderID = inquiry.LenderID(name) // so many at once are too many for one
		for seed := range uint64(each) {
			sent := harm(rand.New(rand.NewPCG(seed, 1)))
			resp, body := c.do(t, http.MethodPost, "/v1/batch-inquiries/", sent)
			if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s, seed %d: %s", name, seed, resp.Status)
				continue
			}
			problem(t, resp, body)
			if strings.Contains(body, secret) {
				t.Errorf("%s, seed %d: the answer repeats what was sent: %.300s", name, seed, body)
			}
		}
	}
	if len(fake.stored) != 0 {
		t.Errorf("%d batches were stored", len(fake.stored))
	}
}

// One text of megabytes, with a fault for each of many fields beside it, must
// not make an answer that is too large to send.
func TestWhatIsLongIsNotRepeated(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	for name, body := range map[string]string{
		"an external id": `{"name":"A","inquiries":[{"businessName":"","ein":"1","phone":"x","email":"x","externalId":"` + long + `"}]}`,
		"a field's name": `{"name":"A","inquiries":[{"businessName":"B","` + long + `":{"` + long + `":1}}]}`,
	} {
		resp, answer := newClient(t, newFake(), io.Discard).do(t, http.MethodPost, "/v1/batch-inquiries/", body)
		if p := problem(t, resp, answer); resp.StatusCode != http.StatusUnprocessableEntity || len(p.Errors) == 0 || len(answer) > 10_000 {
			t.Errorf("%s of a megabyte: %s, %d faults in %d bytes", name, resp.Status, len(p.Errors), len(answer))
		}
	}
}
