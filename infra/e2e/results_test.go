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

func TestResultsComeInOneFile(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	id := s.submit(t, businesses("Results", 3)).BatchID
	s.follow(t, id)
	path := "/v1/batch-inquiries/" + id + "/results"
	resp, data := s.do(t, http.MethodGet, path, "")
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Results-Complete") != "true" || len(lines) != 4 || !strings.Contains(lines[0], `"report":{`) {
		t.Errorf("NDJSON: %s %v %.500s", resp.Status, resp.Header, data)
	}
	resp, data = s.do(t, http.MethodGet, path+"?scope=succeeded", "", "Accept", "text/csv")
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil || resp.StatusCode != http.StatusOK || len(rows) != 4 || rows[3][2] != "LOAN-2" ||
		resp.Header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" {
		t.Errorf("CSV: %s %v %.500s", resp.Status, err, data)
	}
}

// What an answer cannot hold lies in a file for a while, whose address needs no
// credential.
func TestLargeResultsAreFetchedFromAFile(t *testing.T) {
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
		body.Inquiries = append(body.Inquiries, inquiry{fmt.Sprintf("Quiet Meadow %d LLC", i), "www." + strings.Repeat("w", 2000), metadata})
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
	resp, err := http.DefaultTransport.RoundTrip(req) // does not follow
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	location := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusSeeOther || strings.Contains(location, "Quiet") {
		t.Fatalf("%s, Location %q", resp.Status, location)
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
	if err != nil || file.StatusCode != http.StatusOK || strings.Count(string(data), "\n") != total+1 || len(data) < 2_500_000 {
		t.Errorf("%s, %d bytes, %v", file.Status, len(data), err)
	}
}
