package httpapi_test

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// The largest body made of the smallest values must not cost more than any other body.
// The function has 512 MB. This test counts every byte that is allocated, which is more
// than what is in use at any moment, and which does not depend on the machine. It is not
// parallel, so that nothing else allocates.
func TestBodyCost(t *testing.T) {
	const size = 5<<20 - 1000
	// fill repeats one value between a head and a tail until the body has the full size.
	fill := func(head, value, tail string) string {
		return head + strings.TrimSuffix(strings.Repeat(value+",", size/(len(value)+1)), ",") + tail
	}
	fake := fakeWith(inquiry.StatusFailed)
	fake.lender.BatchMax = inquiry.DefaultBatchMax
	large := fakeWith(inquiry.StatusFailed)
	large.lender.BatchMax = 5000
	const batch, single = "/v1/batch-inquiries", "/v1/inquiries"
	rerun := batch + "/" + fake.batches[0].ID.String() + "/rerun"
	for name, c := range map[string]struct {
		path, head, value, tail string

		fake *fakeBatches // the default is a lender with the usual limits
		want string       // code of a fault in the answer; the default is too-many
		most uint64       // MB; the default is 150
	}{
		"empty inquiries":                {path: batch, head: `{"name":"x","inquiries":[`, value: `{}`, tail: `]}`},
		"numbers as inquiries":           {path: batch, head: `{"name":"x","inquiries":[`, value: `0`, tail: `]}`},
		"nulls as inquiries":             {path: batch, head: `{"name":"x","inquiries":[`, value: `null`, tail: `]}`},
		"huge numbers as inquiries":      {path: batch, head: `{"name":"x","inquiries":[`, value: `1e999`, tail: `]}`},
		"more inquiries than allowed":    {path: batch, head: `{"name":"x","inquiries":[`, value: `{"businessName":"B"}`, tail: `]}`},
		"a dry run":                      {path: batch, head: `{"name":"x","validateOnly":true,"inquiries":[`, value: `{}`, tail: `]}`},
		"a dry run that comes last":      {path: batch, head: `{"name":"x","inquiries":[`, value: `{}`, tail: `],"validateOnly":true}`},
		"a batch that skips":             {path: batch, head: `{"name":"x","onInvalid":"skip","inquiries":[`, value: `{}`, tail: `]}`},
		"principals":                     {path: batch, head: `{"name":"x","inquiries":[{"businessName":"B","principals":[`, value: `{}`, tail: `]}]}`},
		"metadata of one name":           {path: batch, head: `{"name":"x","inquiries":[{"businessName":"B","metadata":{`, value: `"":0`, tail: `}}]}`, want: "duplicate-name"},
		"a field that does not exist":    {path: batch, head: `{"name":"x","inquiries":[],"more":[`, value: `{}`, tail: `]}`},
		"nested lists":                   {path: batch, head: `{"name":"x","inquiries":[[`, value: `[]`, tail: `]]}`},
		"a list instead of a body":       {path: batch, head: `[`, value: `{}`, tail: `]`},
		"empty inquiries of a large one": {path: batch, head: `{"name":"x","inquiries":[`, value: `{}`, tail: `]}`, fake: large},
		"faults of a large one": {path: batch, head: `{"name":"x","inquiries":[`, fake: large, tail: `]}`,
			value: `{"":0,"":0` + strings.Repeat(`,"":0`, 180) + `}`, want: "duplicate-name"},
		// All 5,000 inquiries are read, with 100,000 principals. Less than half is in use at
		// any moment.
		"principals of a large one": {path: batch, head: `{"name":"x","inquiries":[`, fake: large, tail: `]}`, most: 450,
			value: `{"businessName":"B","principals":[` + strings.Repeat(`{},`, 19) + `{}]}`},
		"principals of one inquiry": {path: single, head: `{"businessName":"B","principals":[`, value: `{}`, tail: `]}`},
		"numbers in one inquiry":    {path: single, head: `{"businessName":"B","principals":[`, value: `1e999`, tail: `]}`, want: "bad-number"},
		"a list of inquiries":       {path: single, head: `[`, value: `{}`, tail: `]`},
		"ids to rerun":              {path: rerun, head: `{"inquiryIds":[`, value: `""`, tail: `]}`},
		"objects to rerun":          {path: rerun, head: `{"inquiryIds":[`, value: `{}`, tail: `]}`},
		"huge numbers to rerun":     {path: rerun, head: `{"inquiryIds":[`, value: `1e999`, tail: `]}`, want: "bad-number"},
		"a scope that is a list":    {path: rerun, head: `{"scope":[`, value: `0`, tail: `]}`},
	} {
		t.Run(name, func(t *testing.T) {
			from := fake
			if c.fake != nil {
				from = c.fake
			}
			api := newClient(t, from, io.Discard)
			body := fill(c.head, c.value, c.tail)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			started := time.Now()
			resp, answer := api.do(t, http.MethodPost, c.path, body)
			took := time.Since(started)
			runtime.ReadMemStats(&after)
			var got struct{ Errors []httpapi.Fault }
			if err := json.Unmarshal([]byte(answer), &got); err != nil {
				t.Fatal(err)
			}
			allocated, most := (after.TotalAlloc-before.TotalAlloc)>>20, cmp.Or(c.most, 150)*allocationFactor
			t.Logf("%s with %d faults: %d MB allocated in %s", resp.Status, len(got.Errors), allocated, took.Round(time.Millisecond))
			if allocated > most {
				t.Errorf("%d MB were allocated, want at most %d", allocated, most)
			}
			status := http.StatusUnprocessableEntity
			if strings.Contains(body, "validateOnly") {
				status = http.StatusOK
			}
			want := cmp.Or(c.want, "too-many")
			named := slices.ContainsFunc(got.Errors, func(f httpapi.Fault) bool { return f.Code == want })
			if resp.StatusCode != status || !named {
				t.Errorf("%s, want %d with a fault %s: %.300s", resp.Status, status, want, answer)
			}
		})
	}
}
