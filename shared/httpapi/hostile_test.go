package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi/hostile"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestHostileInput(t *testing.T) {
	t.Parallel()

	t.Run("nothing is stored", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		c := newClient(t, fake, io.Discard)
		if resp, body := c.do(t, http.MethodPost, "/v1/batch-inquiries/", hostile.Valid()); resp.StatusCode != http.StatusOK {
			t.Fatalf("the valid body is rejected, so this test proves nothing: %s", body)
		}
		fake.stored = nil
		for _, name := range hostile.Kinds() {
			c.caller.LenderID = inquiry.LenderID(name) // avoids the rate limit of one lender
			for seed := range uint64(hostile.Each) {
				resp, body := c.do(t, http.MethodPost, "/v1/batch-inquiries/", hostile.Body(name, seed))
				if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("%s, seed %d: %s", name, seed, resp.Status)
					continue
				}
				problem(t, resp, body)
				if strings.Contains(body, hostile.Secret) {
					t.Errorf("%s, seed %d: the response repeats the value sent: %.300s", name, seed, body)
				}
			}
		}
		if len(fake.stored) != 0 {
			t.Errorf("%d batches were stored", len(fake.stored))
		}
	})

	// A very long text must not make the response too large, even if every fault beside
	// it would repeat it.
	t.Run("long texts are not repeated", func(t *testing.T) {
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
	})
}
