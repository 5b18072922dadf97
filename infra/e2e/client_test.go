package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

// losesFirst loses the reply to the first request, after the API has done its
// work.
type losesFirst struct{ lost bool }

func (l *losesFirst) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if l.lost || err != nil {
		return resp, err
	}
	l.lost = true
	resp.Body.Close()
	return nil, errors.New("connection reset by peer")
}

// A lender's program as the client's own documentation has it, on a bad line.
func TestTheGoClientGoesTheWholeWay(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "member")
	c, err := sdk.New(stack.APIURL, u.apiKey, sdk.WithHTTPClient(&http.Client{Transport: &losesFirst{}}), sdk.WithLongPoll())
	if err != nil {
		t.Fatal(err)
	}
	const total = 105 // more than one page
	var in sdk.Submission
	if err := json.Unmarshal([]byte(businesses("Renewals", total)), &in); err != nil {
		t.Fatal(err)
	}
	accepted, err := c.Submit(t.Context(), in)
	if err != nil || accepted.Total != total || !accepted.Replayed {
		t.Fatalf("submitted: %+v, %v", accepted, err)
	}
	done, err := c.Wait(t.Context(), accepted.BatchID)
	if err != nil || done.Status != sdk.BatchCompleted || done.Settled() != total || done.TimingSummary == nil {
		t.Fatalf("it ended as %+v, %v", done, err)
	}
	n, first := 0, ""
	for row, err := range c.Inquiries(t.Context(), done.BatchID, sdk.InquiryFilter{}) {
		if err != nil || row.Index != n || row.ExternalID != in.Inquiries[n].ExternalID {
			t.Fatalf("row %d: %+v, %v", n, row, err)
		}
		if n++; n == 1 {
			first = row.InquiryID
			one, err := c.Inquiry(t.Context(), row.InquiryID)
			if err != nil || one.Report == nil || one.Report.Coverage.Applicable == 0 || one.Inquiry.BusinessName != in.Inquiries[0].BusinessName {
				t.Errorf("its report: %+v, %v", one, err)
			}
		}
	}
	results, err := c.Results(t.Context(), done.BatchID, sdk.ResultsQuery{Scope: sdk.ScopeSucceeded})
	if err != nil {
		t.Fatal(err)
	}
	defer results.Close()
	data, err := io.ReadAll(results)
	if err != nil || !results.Complete || bytes.Count(data, []byte("\n")) != total+1 || !bytes.Contains(data, []byte(first)) {
		t.Errorf("results: %d bytes, complete %t, %v", len(data), results.Complete, err)
	}
	batches := 0
	for b, err := range c.Batches(t.Context(), sdk.BatchFilter{NamePrefix: "renew"}) {
		if err != nil || b.BatchID != accepted.BatchID {
			t.Errorf("listed: %+v, %v", b, err)
		}
		batches++
	}
	if n != total || batches != 1 {
		t.Errorf("%d inquiries, %d batches", n, batches)
	}
	if _, err := c.Cancel(t.Context(), done.BatchID); !sdk.IsKind(err, sdk.KindNotCancellable) {
		t.Errorf("cancelling what is finished: %v", err)
	}
	if key, err := c.APIKey(t.Context()); err != nil || key != u.apiKey {
		t.Errorf("another key, or %v", err)
	}
	again, err := c.Rerun(t.Context(), done.BatchID, sdk.Rerun{InquiryIDs: []string{first}, Name: "Once more"})
	if err != nil || again.Total != 1 || again.ParentBatchID != done.BatchID {
		t.Fatalf("rerun: %+v, %v", again, err)
	}
	if b, err := c.Wait(t.Context(), again.BatchID); err != nil || b.Completed != 1 || b.OperationType != sdk.OperationRerun {
		t.Errorf("the rerun ended as %+v, %v", b, err)
	}
	if _, err := c.Rerun(t.Context(), done.BatchID, sdk.Rerun{}); !sdk.IsKind(err, sdk.KindNothingToRerun) {
		t.Errorf("rerunning what did not fail: %v", err)
	}
	if b, err := c.Delete(t.Context(), again.BatchID); err != nil || b.DeletedAt == nil || b.Total != 1 || b.BatchName != "" {
		t.Errorf("deleted: %+v, %v", b, err)
	}
	single, err := c.SubmitInquiry(t.Context(), in.Inquiries[0], "")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := c.Wait(t.Context(), single.BatchID); err != nil || b.Total != 1 || b.OperationType != sdk.OperationSingle {
		t.Errorf("a single inquiry: %+v, %v", b, err)
	}
	if me, err := c.Me(t.Context()); err != nil || me.Lender.LenderID != u.lender || me.Limits.BatchMax != 250 {
		t.Errorf("me: %+v, %v", me, err)
	}
	checked, err := c.Validate(t.Context(), sdk.Submission{Name: "Bad", Inquiries: []sdk.InquiryInput{{BusinessName: "A", EIN: "12"}}})
	if err != nil || checked.Valid || len(checked.Errors) != 1 {
		t.Errorf("dry run: %+v, %v", checked, err)
	}
}

// bi as a person runs it.
func TestBiSubmitsASpreadsheetAndWatchesIt(t *testing.T) {
	t.Parallel()
	root, err := engine.Root()
	if err != nil {
		t.Fatal(err)
	}
	u := newUser(t, "", "member")
	bi := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, "dist", "bi"), args...)
		cmd.Env = append(os.Environ(), "BI_URL="+stack.APIURL, "BI_API_KEY="+u.apiKey)
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
			t.Fatalf("bi %s: %v, want exit code %d\n%s%s", strings.Join(args, " "), err, want, &out, &errOut)
		}
		if strings.Contains(errOut.String(), u.apiKey) {
			t.Errorf("bi %s says the key", strings.Join(args, " "))
		}
		return out.String(), errOut.String()
	}
	write := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	loans := write("loans.csv", "businessName,ein,externalId\nQuiet Meadow LLC,,LOAN-1\nQuiet Harbor LLC,47-0555102,LOAN-2\n")
	if out, said := bi(0, "submit", loans, "--wait"); !sdk.IsID(strings.TrimSpace(out)) || !strings.Contains(said, "2 of 2: 2 completed\nCOMPLETED: ") {
		t.Errorf("submit --wait: %s%s", out, said)
	}
	mixed := write("mixed.csv", "businessName,ein,externalId\nQuiet Meadow LLC,,LOAN-1\n\nBad LLC,12,LOAN-2\n")
	if _, said := bi(1, "submit", mixed); !strings.Contains(said, "row 4, column ein (LOAN-2): ") {
		t.Errorf("a faulty file: %s", said)
	}
	id, _ := bi(0, "submit", mixed, "--skip-invalid")
	id = strings.TrimSpace(id)
	if out, _ := bi(3, "watch", id); !strings.Contains(out, "PARTIAL_SUCCESS: ") {
		t.Errorf("watch: %s", out)
	}
	if out, _ := bi(0, "list"); strings.Count(out, "\n") != 3 || !strings.Contains(out, id) {
		t.Errorf("list: %s", out)
	}
	table := filepath.Join(t.TempDir(), "results.csv")
	bi(0, "results", id, "--format", "csv", "-o", table)
	if data, err := os.ReadFile(table); err != nil || strings.Count(string(data), "\n") != 3 || !strings.Contains(string(data), "LOAN-2") {
		t.Errorf("results: %s, %v", data, err)
	}
	bi(1, "cancel", id)
	if _, said := bi(1, "rerun", "--failed", id); !strings.Contains(said, "Nothing to run again") { // it was rejected, and never failed
		t.Errorf("rerun: %s", said)
	}
	bi(2, "delete", id) // nobody is there to be asked
	if out, _ := bi(0, "delete", "--yes", id); !strings.Contains(out, "1 completed, 1 failed") {
		t.Errorf("delete: %s", out)
	}
	bi(1, "results", id)
	if out, _ := bi(0, "whoami"); !strings.Contains(out, "("+u.lender+")") || !strings.Contains(out, "and 10000 in unfinished batches, which have 0 now") {
		t.Errorf("whoami: %s", out)
	}
	kept := filepath.Join(t.TempDir(), "key")
	bi(0, "key", "rotate", "--to", kept)
	fresh, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	u.apiKey = strings.TrimSpace(string(fresh))
	if key, _ := bi(0, "key", "show"); strings.TrimSpace(key) != u.apiKey {
		t.Error("key show prints another key")
	}
}
