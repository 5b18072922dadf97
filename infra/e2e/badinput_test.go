package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The service rejects forty kinds of bad input and stores nothing. Package httpapi
// tests which problem each one gets. This test shows that the gateway, the function
// and the table agree.
func TestBadInput(t *testing.T) {
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
		{"truncated JSON", `{"name":"Zanzibar","inquiries":[`, 400},
		{"two documents", `{"name":"A","inquiries":[{"businessName":"B"}]}{}`, 400},
		{"bytes that are not UTF-8", "{\"name\":\"\xff\",\"inquiries\":[{\"businessName\":\"B\"}]}", 422},
		{"an array", `[]`, 422},
		{"an empty object", `{}`, 422},
		{"no batch name", `{"inquiries":[{"businessName":"B"}]}`, 422},
		{"a batch name that is too long", `{"name":"` + strings.Repeat("x", 251) + `","inquiries":[{"businessName":"B"}]}`, 422},
		{"no inquiries", `{"name":"A"}`, 422},
		{"an empty batch", `{"name":"A","inquiries":[]}`, 422},
		{"251 inquiries", businesses("A", 251), 422},
		{"inquiries as an object", `{"name":"A","inquiries":{}}`, 422},
		{"an inquiry that is null", `{"name":"A","inquiries":[null]}`, 422},
		{"no business name", `{"name":"A","inquiries":[{"ein":"123456789"}]}`, 422},
		{"a blank business name", `{"name":"A","inquiries":[{"businessName":"  "}]}`, 422},
		{"a business name that is too long", `{"name":"A","inquiries":[{"businessName":"` + strings.Repeat("ü", 251) + `"}]}`, 422},
		{"a control character", `{"name":"A","inquiries":[{"businessName":"B\u0000"}]}`, 422},
		{"an unknown field", `{"name":"A","inquiries":[{"businessName":"B"}],"lenderId":"other"}`, 422},
		{"an unknown field in an inquiry", one(`"status":"COMPLETED"`), 422},
		{"an unknown field in an address", one(`"address":{"zip":"1"}`), 422},
		{"an unknown field in a principal", one(`"principals":[{"lastName":"A","ssn":"1"}]`), 422},
		{"a field name in upper case", one(`"EIN":"123456789"`), 422},
		{"a duplicate field", `{"name":"A","name":"B","inquiries":[{"businessName":"B"}]}`, 422},
		{"a duplicate field in an inquiry", one(`"ein":"123456789","ein":"987654321"`), 422},
		{"an EIN with eight digits", one(`"ein":"12345678"`), 422},
		{"an EIN as a number", one(`"ein":123456789`), 422},
		{"an EIN with only zeros", one(`"ein":"00-0000000"`), 422},
		{"an address as a string", one(`"address":"Zanzibar"`), 422},
		{"a country name instead of a code", one(`"address":{"country":"Zanzibar"}`), 422},
		{"a phone number without digits", one(`"phone":"call me"`), 422},
		{"an email address without @", one(`"email":"zanzibar.example"`), 422},
		{"a website with a space", one(`"website":"zanzibar .example"`), 422},
		{"a date of birth that does not exist", one(`"principals":[{"lastName":"A","dateOfBirth":"1985-02-30"}]`), 422},
		{"a date of birth in the future", one(`"principals":[{"lastName":"A","dateOfBirth":"2999-01-01"}]`), 422},
		{"an ownership above 100 percent", one(`"principals":[{"lastName":"A","ownershipPercentage":101}]`), 422},
		{"a number that overflows", one(`"principals":[{"lastName":"A","ownershipPercentage":1e9999}]`), 422},
		{"21 principals", one(`"principals":[` + strings.Repeat(`{"lastName":"A"},`, 20) + `{"lastName":"A"}]`), 422},
		{"an external ID that is too long", `{"name":"A","inquiries":[{"businessName":"B","externalId":"` + strings.Repeat("x", 129) + `"}]}`, 422},
		{"a duplicate external ID", `{"name":"A","inquiries":[{"businessName":"B","externalId":"x"},{"businessName":"C","externalId":"x"}]}`, 422},
		{"nested metadata", one(`"metadata":{"a":{}}`), 422},
		{"17 metadata entries", one(`"metadata":{` + strings.Repeat(`"a":"b",`, 16) + `"c":"d"}`), 422},
		{"deeply nested arrays", `{"name":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 422},
		{"a body above 5 MB", `{"name":"A","inquiries":[{"businessName":"B"}]` + strings.Repeat(" ", 5<<20) + `}`, 413},
	}
	if len(tests) < 40 {
		t.Fatalf("the test has %d kinds of bad input, want at least 40", len(tests))
	}
	for _, tt := range tests {
		resp, body := s.do(t, http.MethodPost, "/v1/batch-inquiries/", tt.body, "Content-Type", "application/json")
		checkProblem(t, tt.name, resp, body, tt.status)
	}
	resp, body := s.do(t, http.MethodPost, "/v1/batch-inquiries/", businesses("A", 1), "Content-Type", "text/csv")
	checkProblem(t, "a CSV body", resp, body, http.StatusUnsupportedMediaType)
	resp, body = s.do(t, http.MethodPost, "/v1/batch-inquiries/", businesses("A", 1), "Idempotency-Key", strings.Repeat("k", 256))
	checkProblem(t, "an idempotency key that is too long", resp, body, http.StatusUnprocessableEntity)
	for _, query := range []string{"limit=0", "limit=501", "limit=x", "offset=-1", "lender=other"} {
		resp, body := s.do(t, http.MethodGet, "/v1/batch-inquiries/?"+query, "")
		checkProblem(t, query, resp, body, http.StatusUnprocessableEntity)
	}
	for _, id := range []string{"latest", fmt.Sprintf("%036d", 0), strings.Repeat("f", 36)} {
		resp, body := s.do(t, http.MethodGet, "/v1/batch-inquiries/"+id, "")
		checkProblem(t, "id "+id, resp, body, http.StatusNotFound)
	}

	var list struct{ Total int }
	s.get(t, "/v1/batch-inquiries/", http.StatusOK, &list)
	if list.Total != 0 {
		t.Errorf("%d batches were stored, want none", list.Total)
	}
}

// checkProblem checks that a response is a problem document with the given status,
// and that it does not repeat the request.
func checkProblem(t testing.TB, name string, resp *http.Response, body []byte, status int) {
	t.Helper()
	var p struct {
		Type, Title, Detail, RequestID string
		Status                         int
		Errors                         []struct{ Pointer, Parameter, Code, Message string }
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Errorf("%s: the response %s is not a problem document: %.300s", name, resp.Status, body)
		return
	}
	if resp.StatusCode != status {
		t.Errorf("%s: status %s, want %d: %.300s", name, resp.Status, status, body)
	}
	if p.Status != status {
		t.Errorf("%s: the status in the body is %d, want %d: %.300s", name, p.Status, status, body)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: Content-Type %q, want application/problem+json", name, got)
	}
	for member, value := range map[string]string{"type": p.Type, "title": p.Title, "detail": p.Detail, "requestId": p.RequestID} {
		if value == "" {
			t.Errorf("%s: the problem has no %s: %.300s", name, member, body)
		}
	}
	if status == http.StatusUnprocessableEntity && len(p.Errors) == 0 {
		t.Errorf("%s: the problem does not list any errors: %.300s", name, body)
	}
	if strings.Contains(strings.ToLower(string(body)), "zanzibar") {
		t.Errorf("%s: the response repeats part of the request: %.300s", name, body)
	}
}
