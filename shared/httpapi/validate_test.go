package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const mixed = `[{"businessName":"Kylderon LLC","externalId":"L-0"},
	{"businessName":"B","externalId":"L-1","ein":"12","color":"red"},
	"not an inquiry",
	{"businessName":"D","externalId":"L-0"},
	{"businessName":"kylderon  llc","ein":"12-3456789"}]`

func TestSkipInvalid(t *testing.T) {
	t.Parallel()

	t.Run("invalid inquiries are rejected one by one", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		resp, body := c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","metadata":{"team":"north"},"onInvalid":"skip","inquiries":`+mixed+`}`)
		var got httpapi.SubmittedBody
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d, %v: %s", resp.StatusCode, err, body)
		}
		if got.Total != 5 || got.Accepted != 2 || got.Rejected != 3 || len(got.Errors) != 4 {
			t.Errorf("%s", body)
		}
		stored := fake.stored[0]
		if diff := cmp.Diff(map[string]string{"team": "north"}, stored.Metadata); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		codes := map[int][]string{}
		for i, in := range stored.Inquiries {
			for _, r := range in.Rejected {
				codes[i] = append(codes[i], r.Pointer+" "+r.Code)
			}
		}
		want := map[int][]string{1: {"/color unknown-field", "/ein form"}, 2: {" type"}, 3: {"/externalId duplicate"}}
		if diff := cmp.Diff(want, codes); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
		if in := stored.Inquiries[4]; in.EIN != "123456789" || stored.Inquiries[1].ExternalID != "L-1" {
			t.Errorf("an inquiry moved or lost its identifiers: %s", body)
		}
	})

	t.Run("some batches are still rejected as a whole", func(t *testing.T) {
		t.Parallel()
		for name, body := range map[string]string{
			"no valid inquiry":              `{"name":"A","onInvalid":"skip","inquiries":[{"businessName":""},{"ein":"1"}]}`,
			"a fault in the batch":          `{"name":"","onInvalid":"skip","inquiries":` + mixed + `}`,
			"an unknown field":              `{"name":"A","lender":"x","onInvalid":"skip","inquiries":` + mixed + `}`,
			"a number with a huge exponent": `{"name":"A","onInvalid":"skip","inquiries":[{"businessName":"B"},{"businessName":"C","principals":[{"lastName":"D","ownershipPercentage":1e99999}]}]}`,
			"too many":                      `{"name":"A","onInvalid":"skip","inquiries":[{}` + strings.Repeat(`,{"businessName":"B"}`, 250) + `]}`,
			"an unknown onInvalid":          `{"name":"A","onInvalid":"ignore","inquiries":[{"businessName":"B"}]}`,
			"by default":                    `{"name":"A","inquiries":` + mixed + `}`,
			"with onInvalid: reject":        `{"name":"A","onInvalid":"reject","inquiries":` + mixed + `}`,
			"metadata that is too long":     `{"name":"A","metadata":{"k":"` + strings.Repeat("x", 251) + `"},"inquiries":[{"businessName":"B"}]}`,
			"too much metadata":             `{"name":"A","metadata":{` + seventeen + `},"inquiries":[{"businessName":"B"}]}`,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				fake := newFake()
				resp, answer := newClient(t, fake, io.Discard).do(t, "POST", "/v1/batch-inquiries", body)
				if p := problem(t, resp, answer); p.Status != http.StatusUnprocessableEntity || len(p.Errors) == 0 || len(fake.stored) != 0 {
					t.Errorf("%s; %d stored", answer, len(fake.stored))
				}
			})
		}
	})

	t.Run("a rejected inquiry says why", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","inquiries":[{"businessName":"B"}]}`)
		id := fake.batches[0].ID
		fake.entries = []inquiry.Entry{{
			ID:      id.Inquiry(0),
			Inquiry: inquiry.Inquiry{BusinessName: "B", Rejected: []inquiry.Rejection{{Pointer: "/ein", Code: "form", Message: "nine digits"}}},
			Record:  inquiry.Record{ID: id.Inquiry(0), Status: inquiry.StatusFailed, Failure: inquiry.FailureInvalid},
		}}
		_, body := c.do(t, "GET", "/v1/inquiries/"+id.Inquiry(0).String(), "")
		var got httpapi.InquiryBody
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		want := []httpapi.Fault{{Pointer: "/ein", Code: "form", Message: "nine digits"}}
		if diff := cmp.Diff(want, got.Errors); diff != "" || got.Failure == nil || got.Failure.Code != "INVALID_INPUT" || got.Failure.Retryable {
			t.Errorf("errors (-want +got):\n%s\n%s", diff, body)
		}
	})

	// A replay returns the result of the first request, so it must be the same request,
	// including the parts that could not be parsed.
	t.Run("a repeated key compares invalid inquiries too", func(t *testing.T) {
		t.Parallel()
		skip := func(inquiries string) string {
			return `{"name":"A","onInvalid":"skip","inquiries":[` + inquiries + `]}`
		}
		const valid = `{"businessName":"B"},`
		first := skip(valid + `{"businessName":"C","ein":111,"dba":null}`)
		tests := map[string]struct {
			body string
			same bool
		}{
			"the same":                         {first, true},
			"in a different order":             {`{"inquiries":[` + valid + ` {"ein": 111, "businessName":"C"}], "onInvalid":"skip","name":"A"}`, true},
			"the number in another notation":   {skip(valid + `{"businessName":"C","ein":1.11e2}`), true},
			"null for what is absent":          {skip(valid + `{"businessName":"C","ein":111,"phone":null}`), true},
			"another wrong value":              {skip(valid + `{"businessName":"C","ein":112}`), false},
			"the wrong value in another field": {skip(valid + `{"businessName":"C","dba":111}`), false},
			"an unknown field for the number":  {skip(valid + `{"businessName":"C","foo":1}`), false},
			"one more unknown field":           {skip(valid + `{"businessName":"C","ein":111,"foo":1}`), false},
			"the field twice":                  {skip(valid + `{"businessName":"C","ein":111,"ein":111}`), false},
			"corrected":                        {skip(valid + `{"businessName":"C"}`), false},
			"corrected, with an EIN":           {skip(valid + `{"businessName":"C","ein":"123456789"}`), false},
			"another kind of fault":            {skip(valid + `"C"`), false},
			"another inquiry is invalid":       {skip(`{"businessName":"B","ein":111},{"businessName":"C"}`), false},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				fake := newFake()
				c := newClient(t, fake, io.Discard)
				_, want := c.do(t, "POST", "/v1/batch-inquiries", first, "Idempotency-Key", "k")
				resp, got := c.do(t, "POST", "/v1/batch-inquiries", tt.body, "Idempotency-Key", "k")
				if len(fake.stored) != 1 {
					t.Fatalf("%d stored; %s then %s", len(fake.stored), want, got)
				}
				if tt.same {
					if got != want || resp.Header.Get("Idempotent-Replayed") != "true" {
						t.Errorf("%s then %s", want, got)
					}
					return
				}
				if p := problem(t, resp, got); !strings.HasSuffix(p.Type, "#problem-idempotency-mismatch") {
					t.Errorf("%s", got)
				}
			})
		}
	})
}

const seventeen = `"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":"","j":"","k":"","l":"","m":"","n":"","o":"","p":"","q":""`

func TestValidateOnly(t *testing.T) {
	t.Parallel()

	t.Run("it reports everything and stores nothing", func(t *testing.T) {
		t.Parallel()
		tests := map[string]struct {
			onInvalid          string
			valid              bool
			accepted, rejected int
		}{
			"faults": {"reject", false, 0, 3},
			"skip":   {"skip", true, 2, 3},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				fake := newFake()
				c := newClient(t, fake, io.Discard)
				resp, body := c.do(t, "POST", "/v1/batch-inquiries/", `{"name":"A","validateOnly":true,"onInvalid":"`+tt.onInvalid+`","inquiries":`+mixed+`}`)
				var got httpapi.ValidatedBody
				if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK || len(fake.stored) != 0 {
					t.Fatalf("%d, %v, %d stored: %s", resp.StatusCode, err, len(fake.stored), body)
				}
				if got.Valid != tt.valid || !got.ValidateOnly {
					t.Errorf("valid %t, validateOnly %t", got.Valid, got.ValidateOnly)
				}
				if got.Total != 5 || got.Accepted != tt.accepted || got.Rejected != tt.rejected || len(got.Errors) != 4 {
					t.Errorf("total %d, accepted %d, rejected %d, %d errors", got.Total, got.Accepted, got.Rejected, len(got.Errors))
				}
				if want := (httpapi.SubmitLimits{BatchMax: 250, BatchLeft: 245, OpenMax: 10_000, OpenLeft: 10_000}); got.Limits != want {
					t.Errorf("limits %+v, want %+v", got.Limits, want)
				}
				want := []httpapi.DuplicateInquiry{{Index: 4, DuplicateOf: 0, By: inquiry.DuplicateName}}
				if diff := cmp.Diff(want, got.Duplicates); diff != "" {
					t.Errorf("duplicates (-want +got):\n%s", diff)
				}
				if len(got.Inquiries) != 5 || got.Inquiries[4].EIN != "123456789" || resp.Header.Get("Location") != "" {
					t.Errorf("normalized: %+v", got.Inquiries)
				}
			})
		}
	})
}
