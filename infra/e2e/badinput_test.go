package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestBadInputIsRefusedAndStoresNothing sends forty kinds of bad input over the
// whole way. What each fault is called is tested in package httpapi; this shows
// that the gateway, the function and the table agree, and that nothing is left.
func TestBadInputIsRefusedAndStoresNothing(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	one := func(members string) string {
		return `{"name":"Zanzibar","inquiries":[{"businessName":"Zanzibar","externalId":"L-0",` + members + `}]}`
	}
	tests := []struct {
		name, body string
		status     int
	}{
		{"no body", "", 400},
		{"not JSON", "Zanzibar", 400},
		{"cut off", `{"name":"Zanzibar","inquiries":[`, 400},
		{"two documents", `{"name":"A","inquiries":[{"businessName":"B"}]}{}`, 400},
		{"bytes that are no text", "{\"name\":\"\xff\",\"inquiries\":[{\"businessName\":\"B\"}]}", 422},
		{"an array", `[]`, 422},
		{"an empty object", `{}`, 422},
		{"no name", `{"inquiries":[{"businessName":"B"}]}`, 422},
		{"a name too long", `{"name":"` + strings.Repeat("x", 251) + `","inquiries":[{"businessName":"B"}]}`, 422},
		{"no inquiries", `{"name":"A"}`, 422},
		{"an empty batch", `{"name":"A","inquiries":[]}`, 422},
		{"251 inquiries", businesses("A", 251), 422},
		{"inquiries as object", `{"name":"A","inquiries":{}}`, 422},
		{"an inquiry that is null", `{"name":"A","inquiries":[null]}`, 422},
		{"no business name", `{"name":"A","inquiries":[{"ein":"123456789"}]}`, 422},
		{"a business name of blanks", `{"name":"A","inquiries":[{"businessName":"  "}]}`, 422},
		{"a business name too long", `{"name":"A","inquiries":[{"businessName":"` + strings.Repeat("ü", 251) + `"}]}`, 422},
		{"a control character", `{"name":"A","inquiries":[{"businessName":"B\u0000"}]}`, 422},
		{"an unknown field", `{"name":"A","inquiries":[{"businessName":"B"}],"lenderId":"other"}`, 422},
		{"an unknown field in an inquiry", one(`"status":"COMPLETED"`), 422},
		{"an unknown field in an address", one(`"address":{"zip":"1"}`), 422},
		{"an unknown field in a principal", one(`"principals":[{"lastName":"A","ssn":"1"}]`), 422},
		{"a field in other case", one(`"EIN":"123456789"`), 422},
		{"a name twice", `{"name":"A","name":"B","inquiries":[{"businessName":"B"}]}`, 422},
		{"a name twice in an inquiry", one(`"ein":"123456789","ein":"987654321"`), 422},
		{"an EIN of eight digits", one(`"ein":"12345678"`), 422},
		{"an EIN as number", one(`"ein":123456789`), 422},
		{"an EIN of zeros", one(`"ein":"00-0000000"`), 422},
		{"an address as text", one(`"address":"Zanzibar"`), 422},
		{"a country in words", one(`"address":{"country":"Zanzibar"}`), 422},
		{"a phone number in words", one(`"phone":"call me"`), 422},
		{"an e-mail address without @", one(`"email":"zanzibar.example"`), 422},
		{"a website with a blank", one(`"website":"zanzibar .example"`), 422},
		{"a birth on no day", one(`"principals":[{"lastName":"A","dateOfBirth":"1985-02-30"}]`), 422},
		{"a birth in the future", one(`"principals":[{"lastName":"A","dateOfBirth":"2999-01-01"}]`), 422},
		{"a share above all", one(`"principals":[{"lastName":"A","ownershipPercentage":101}]`), 422},
		{"a number out of all bounds", one(`"principals":[{"lastName":"A","ownershipPercentage":1e9999}]`), 422},
		{"21 principals", one(`"principals":[` + strings.Repeat(`{"lastName":"A"},`, 20) + `{"lastName":"A"}]`), 422},
		{"an external id too long", `{"name":"A","inquiries":[{"businessName":"B","externalId":"` + strings.Repeat("x", 129) + `"}]}`, 422},
		{"an external id twice", `{"name":"A","inquiries":[{"businessName":"B","externalId":"x"},{"businessName":"C","externalId":"x"}]}`, 422},
		{"nested metadata", one(`"metadata":{"a":{}}`), 422},
		{"17 metadata", one(`"metadata":{` + strings.Repeat(`"a":"b",`, 16) + `"c":"d"}`), 422},
		{"nested without end", `{"name":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 422},
		{"a body above 5 MB", `{"name":"A","inquiries":[{"businessName":"B"}]` + strings.Repeat(" ", 5<<20) + `}`, 413},
	}
	if len(tests) < 40 {
		t.Fatalf("%d kinds of bad input", len(tests))
	}
	for _, tt := range tests {
		resp, body := s.do(t, http.MethodPost, "/v1/batch-inquiries/", tt.body, "Content-Type", "application/json")
		refused(t, tt.name, resp, body, tt.status)
	}
	resp, body := s.do(t, http.MethodPost, "/v1/batch-inquiries/", businesses("A", 1), "Content-Type", "text/csv")
	refused(t, "CSV", resp, body, http.StatusUnsupportedMediaType)
	resp, body = s.do(t, http.MethodPost, "/v1/batch-inquiries/", businesses("A", 1), "Idempotency-Key", strings.Repeat("k", 256))
	refused(t, "a key too long", resp, body, http.StatusUnprocessableEntity)
	for _, query := range []string{"limit=0", "limit=501", "limit=x", "offset=-1", "lender=other"} {
		resp, body := s.do(t, http.MethodGet, "/v1/batch-inquiries/?"+query, "")
		refused(t, query, resp, body, http.StatusUnprocessableEntity)
	}
	for _, id := range []string{"latest", fmt.Sprintf("%036d", 0), strings.Repeat("f", 36)} {
		resp, body := s.do(t, http.MethodGet, "/v1/batch-inquiries/"+id, "")
		refused(t, "id "+id, resp, body, http.StatusNotFound)
	}

	var list struct{ Total int }
	s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
	if list.Total != 0 {
		t.Errorf("%d batches were stored", list.Total)
	}
}

// refused checks that an answer is a problem document of the given status that
// repeats nothing of what was sent.
func refused(t testing.TB, what string, resp *http.Response, body []byte, status int) {
	t.Helper()
	var p struct {
		Type, Title, Detail, RequestID string
		Status                         int
		Errors                         []struct{ Pointer, Parameter, Code, Message string }
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Errorf("%s: %s, not a problem document: %.300s", what, resp.Status, body)
		return
	}
	if resp.StatusCode != status || p.Status != status || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %s, want %d: %.300s", what, resp.Status, status, body)
	}
	if p.Type == "" || p.Title == "" || p.Detail == "" || p.RequestID == "" || status == http.StatusUnprocessableEntity && len(p.Errors) == 0 {
		t.Errorf("%s: an incomplete problem: %.300s", what, body)
	}
	if strings.Contains(strings.ToLower(string(body)), "zanzibar") {
		t.Errorf("%s: the answer repeats what was sent: %.300s", what, body)
	}
}
