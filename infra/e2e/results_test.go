package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestResults(t *testing.T) {
	t.Parallel()

	t.Run("NDJSON and CSV", func(t *testing.T) {
		t.Parallel()
		s := newUser(t, "", "member").key()
		id := s.submit(t, businesses("Results", 3)).BatchID
		s.wait(t, id)
		path := "/v1/batch-inquiries/" + id + "/results"
		resp, data := s.do(t, http.MethodGet, path, "")
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		if resp.StatusCode != http.StatusOK {
			t.Errorf("NDJSON: status %s, want 200", resp.Status)
		}
		if got := resp.Header.Get("Results-Complete"); got != "true" {
			t.Errorf("NDJSON: Results-Complete is %q, want true", got)
		}
		if len(lines) != 4 || !strings.Contains(lines[0], `"report":{`) {
			t.Errorf("NDJSON: %d lines, want 4 with reports: %.500s", len(lines), data)
		}
		resp, data = s.do(t, http.MethodGet, path+"?scope=succeeded", "", "Accept", "text/csv")
		rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
		if err != nil {
			t.Fatalf("CSV: %v: %.500s", err, data)
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("CSV: status %s, want 200", resp.Status)
		}
		if got := resp.Header.Get("Content-Type"); got != "text/csv; charset=utf-8; header=present" {
			t.Errorf("CSV: Content-Type is %q", got)
		}
		if len(rows) != 4 || rows[3][2] != "LOAN-2" {
			t.Errorf("CSV: %d rows, want 4 with LOAN-2 in the last: %.500s", len(rows), data)
		}
	})

	// Results that are too large for a response are in a file for some time. Its URL
	// needs no credential.
	t.Run("large results are redirected to a file", func(t *testing.T) {
		t.Parallel()
		s := newUser(t, "", "member").key()
		const total = 250
		type inquiry struct {
			BusinessName string            `json:"businessName"`
			Website      string            `json:"website"`
			Metadata     map[string]string `json:"metadata"`
		}
		body := struct {
			Name      string    `json:"name"`
			Inquiries []inquiry `json:"inquiries"`
		}{Name: "Large"}
		metadata := map[string]string{}
		for i := range 16 {
			metadata[fmt.Sprint(i)] = strings.Repeat("m", 250)
		}
		for i := range total {
			body.Inquiries = append(body.Inquiries, inquiry{fmt.Sprintf("Quiet Meadow %d LLC", i), "https://www.example/" + strings.Repeat("w", 2000), metadata})
		}
		sent, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		id := s.submit(t, string(sent)).BatchID
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, stack.APIURL+"/v1/batch-inquiries/"+id+"/results", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", s.authorization)
		resp, err := http.DefaultTransport.RoundTrip(req) // does not follow redirects
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		location := resp.Header.Get("Location")
		if resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("status %s, want 303", resp.Status)
		}
		if strings.Contains(location, "Quiet") {
			t.Fatalf("the Location %q contains a business name", location)
		}
		file, err := http.Get(location)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Body.Close()
		if want := `attachment; filename="` + id + `.ndjson"`; file.Header.Get("Content-Disposition") != want {
			t.Errorf("the file's Content-Disposition is %q, want %q", file.Header.Get("Content-Disposition"), want)
		}
		data, err := io.ReadAll(file.Body)
		if err != nil {
			t.Fatal(err)
		}
		if file.StatusCode != http.StatusOK {
			t.Errorf("the file's status is %s, want 200", file.Status)
		}
		if lines := strings.Count(string(data), "\n"); lines != total+1 {
			t.Errorf("the file has %d lines, want %d", lines, total+1)
		}
		if len(data) < 2_500_000 {
			t.Errorf("the file has %d bytes, which would have fitted into a response", len(data))
		}
	})
}
